// RefusalLog: what rules were refused goes on record, once a change of reason.
//
// A refusal that is met again within ten minutes of when it was met last is the same one: so what lasts for days is one
// entry, what flaps between two reasons is two, and a restart of the agent within that time repeats none, since until when
// each was met is on record, too. Few are written at a time, since a limit may hold back thousands of functions at once; the
// rest waits its turn, bounded, and what is dropped is told.
// One thread. REQUIRES: the store outlives it.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/function.hpp"
#include "core/knowledge_store.hpp"
#include "core/plan.hpp"

namespace autotune::cli {

class RefusalLog {
public:
    explicit RefusalLog(KnowledgeStore& store) : store_(store) {}

    // What an earlier run told is not told again. Errors: the store's.
    Status load(WallTime now);
    // At every evaluation at which it is met; `change` is needed only where it may be new.
    void add(Refusal refusal, WallTime now);
    // Puts some of what was added on record. Errors: the store's, and then it is tried again; resource_exhausted, with how
    // many were dropped.
    Status write();

    // Those of the function that were met in the last ten minutes, of other rules than `but_rule`, for people: "resize 128 MB → 228 MB by rule oom: in
    // its cooldown of 6h".
    [[nodiscard]] std::vector<std::string> lately(const FunctionRef& function, const std::string& but_rule, WallTime now) const;

private:
    using Key = std::tuple<FunctionRef, std::string, std::string>;  // rule, reason without its figures
    struct Met {
        RefusalRecord kept;  // as it is on record, or will be
        WallTime last;
    };
    static Key key_of(const Refusal& refusal);
    void forget_old(WallTime now);

    KnowledgeStore& store_;
    std::map<Key, Met> met_;
    std::deque<RefusalRecord> unwritten_;
    std::size_t dropped_ = 0;
};

}  // namespace autotune::cli
