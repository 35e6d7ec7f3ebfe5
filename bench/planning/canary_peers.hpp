// How other judges decide, written anew from their documentation: the rules that they apply, not their code.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/plan.hpp"
#include "rules/canary/judge.hpp"

namespace autotune::bench {

struct Verdict {
    JudgeReport::Decision decision = JudgeReport::Decision::hold;
    std::size_t pairs = 0;  // when it was made
};

// Kayenta: at ten fixed times the Mann-Whitney test at 98 % on all calls so far; "high" ends the canary, and what
// reaches the end without it is promoted. `lifetime`: pairs.
[[nodiscard]] Verdict kayenta(std::span<const rules::Pair> pairs, std::size_t lifetime);

// Flagger: every 50 pairs one check, the canary's p99 below a limit and 99 % successes; each passed check raises
// the weight, after ten the canary is promoted; five failed checks roll back. The limit is what its users set by
// hand: here 1.1 times the p99 that the baseline has in the long run.
[[nodiscard]] Verdict flagger(std::span<const rules::Pair> pairs, Nanos limit);

// Argo Rollouts: an analysis of ten measurements, one every 50 pairs: the canary's p95 of the interval is at most
// 1.1 times the baseline's, and 99 % succeed; more than three failed measurements abort.
[[nodiscard]] Verdict argo(std::span<const rules::Pair> pairs);

[[nodiscard]] Nanos quantile(std::vector<Nanos> durations, double q);

}  // namespace autotune::bench
