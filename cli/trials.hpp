// Trials: the calls that canaries under way are judged by.
//
// For each change that is being observed it keeps the function's invocations since the candidate was
// published, first those on record (an earlier run of the agent may have seen some), then the live ones.
//
// A change that made no version is judged by counts (rules/effect/): of calls since it was made, and of those that were
// refused, or cold. Refused ones are on no record, nor is what was kept warm, so after a restart of the agent all are
// counted anew.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "core/invocation.hpp"
#include "core/knowledge_store.hpp"
#include "core/observations.hpp"
#include "core/plan.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace autotune::cli {

class Trials {
public:
    explicit Trials(KnowledgeStore& store) : store_(store) {}

    // `open`: all changes under way. Begins to keep for those that are observing and not yet kept,
    // forgets those that are not. Errors: the store's; the change is then tried again next time.
    Status follow(std::span<const ChangeRecord> open);

    // Live invocations, not yet appended to the store.
    void add(std::span<const Invocation> finished);

    // Calls that were refused, as the platform told of them.
    void add(std::span<const ThrottledCall> throttled);

    // What the judge says now; nullopt when nothing has changed since it was last asked, or when the change
    // is not followed. That the horizon is reached is news, once.
    [[nodiscard]] std::optional<JudgeReport> judge(const ChangeRecord& change, WallTime now);

    // The last report could not be acted upon: judge() gives it again.
    void ask_again(ChangeId id);

private:
    struct Trial {
        std::vector<Invocation> calls;
        std::uint64_t throttled = 0;
        WallTime since;          // of what is counted
        bool news = true;
        bool over = false;  // the horizon was reached when it was last judged
        WallTime judged;
    };
    static JudgeReport effect(const Change& change, const Trial& trial, const CanaryPolicy& policy, bool over);

    KnowledgeStore& store_;
    std::map<ChangeId, Trial> trials_;
    std::map<ChangeId, FunctionRef> functions_;
};

// What follows from a report: promoted, rolled_back, reverted; nullopt: go on watching.
[[nodiscard]] std::optional<Disposition> verdict(const JudgeReport& report, const CanaryPolicy& policy);

}  // namespace autotune::cli
