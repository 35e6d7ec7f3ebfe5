// What a grouping would change, trace by trace, and the plan as a whole.
#pragma once

#include "rules/recluster/search.hpp"

namespace autotune::rules {

struct Change {
    double before = 0, after = 0;
    double low_pct = 0, high_pct = 0;  // 95 % of bootstrap samples of traces; of the sampling only, not of the model
    [[nodiscard]] double pct() const { return before > 0 ? 100 * (after - before) / before : 0; }
};

// Neighbouring groups that would cost less as one, and why they are not.
struct Bound {
    Group functions;
    std::string constraint;
    double lost = 0;  // GB-s a request
};

struct Regrouping {
    Grouping groups;
    std::vector<double> memory_mb;  // by group
    Grouping fused, split;          // functions that are together now and were not; that were and are not
    Change gb_s, root_p50, root_p99;
    std::vector<Bound> bounds;      // dearest first
    bool exact = false;
    std::uint64_t traces = 0, used = 0, cold = 0;  // cold ones are left out where there are ten others
};

enum class SearchMethod : std::uint8_t { automatic, exact, heuristic };
struct RegroupOptions {
    SearchMethod method = SearchMethod::automatic;
    std::uint64_t seed = 1;
    std::uint32_t samples = 500;  // of the bootstrap
    std::optional<Grouping> groups;  // not searched for, but this
};

// `log` linked. Deterministic. REQUIRES: exact search only of at most 20 functions.
[[nodiscard]] Regrouping regroup(const CallLog& log, const Links& links, const GroupConstraints& constraints,
                                 const RegroupOptions& options);

}  // namespace autotune::rules
