// KnowledgeStore: what the loop must not forget: changes under way, what came of earlier ones,
// invocations that prove it.
//
// A write is durable when the call returns. One writer process; readers may open the same store.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/function.hpp"
#include "core/invocation.hpp"
#include "core/plan.hpp"
#include "core/result.hpp"

namespace autotune {

enum class ChangeId : std::int64_t {};

// Where a change is. "X-ing" is written before the platform is asked to do X, "X-ed" after it said
// yes: a change found in an "-ing" step after a crash may or may not have happened on the platform.
enum class Step : std::uint8_t {
    waiting,   // for people to approve it; the pre-image is taken when they did
    intended,  // pre-image kept, nothing asked yet
    configuring,
    configured,  // $LATEST has the new configuration
    publishing,
    published,  // it is an immutable version
    routing,
    observing,  // a share of the calls goes to it, the judge watches
    promoting,  // all calls go to it
    reverting,  // the alias goes back, then $LATEST's configuration
    undoing,    // the same for what was promoted, or may have been: an alias that serves only the candidate goes back, too
    closed,     // final; see `disposition`
};
[[nodiscard]] std::string_view to_string(Step s);
[[nodiscard]] std::optional<Step> step_from(std::string_view name);

struct ChangeRecord {
    ChangeId id{};
    std::string token;            // idempotency token, unique
    Action action;
    Routing before;               // alias as it was
    Tuning before_head;           // of the unpublished head
    Step step = Step::intended;
    Disposition disposition = Disposition::in_progress;  // while reverting: what it will be when closed
    Version candidate;            // from `published` on
    WallTime candidate_published; // when the platform confirmed it; epoch before
    std::optional<JudgeReport> judged;
    WallTime opened, updated;
    std::string detail;           // verdict, pairs, reason; for people
};

// What a rule would have done and was not allowed to.
struct RefusalRecord {
    Refusal what;
    WallTime at;     // when it was met first
    WallTime until;  // and last
};

// Which of them are asked for.
struct RefusalQuery {
    WallTime from{};                             // met then or later
    WallTime before = WallTime::max();           // and first met before that
    std::optional<FunctionRef> function = {};    // unset: of all
    std::size_t limit = 1'000;                   // the newest ones
};

class KnowledgeStore {
public:
    virtual ~KnowledgeStore() = default;

    // Journal. open_change assigns the id; save_change overwrites the record with the same id and
    // appends (id, step, detail, updated) to the audit trail.
    virtual Result<ChangeId> open_change(const ChangeRecord& record) = 0;
    virtual Status save_change(const ChangeRecord& record) = 0;
    virtual Result<std::vector<ChangeRecord>> unfinished_changes() = 0;          // step != closed
    virtual Result<std::vector<ChangeRecord>> changes(std::size_t limit) = 0;    // newest first
    virtual Result<ChangeRecord> change(ChangeId id);  // not_found
    // What the rules look back on: the changes that were begun (was_begun) and last saved at `from` or later,
    // and all unfinished ones, those that wait for an approval too. Newest first. However much was only told
    // since then, nothing is left out.
    virtual Result<std::vector<ChangeRecord>> changes_since(WallTime from) = 0;

    // Invocations, for judging after a restart and for history. Not fsynced one by one.
    virtual Status append(std::span<const Invocation> invocations) = 0;
    virtual Result<std::vector<Invocation>> invocations_since(const FunctionRef&, WallTime from) = 0;
    // What rules were refused; all of them or none is kept. One that is on record (the function, rule and `at` are the same)
    // gets another `until`. Stores that keep none need not know of it.
    virtual Status keep(std::span<const RefusalRecord> refusals);
    // Newest first.
    virtual Result<std::vector<RefusalRecord>> refused(const RefusalQuery& query);
    // Forgets invocations older than `before`, and refusals that were not met since.
    virtual Status forget(WallTime before) = 0;
};

}  // namespace autotune
