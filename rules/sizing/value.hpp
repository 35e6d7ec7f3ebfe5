// What curves are worth by an objective: those of one function, or of several input buckets that share one size.
//
// Of several, a call's time and cost are the means over the mix; a quantile is that of the mixture of log-normals. Limits
// (fastest_within, slo) are those of all calls together, or of each bucket by itself. Pure.
#pragma once

#include <vector>

#include "rules/sizing/belief.hpp"

namespace autotune::rules::sizing {

struct Part {
    const State* state = nullptr;
    const Curves* curves = nullptr;
    double weight = 1;  // share of the calls; of all parts 1
};

// By curve and size; infinite where some part fails, and at sizes that are ruled out.
struct Values {
    std::vector<std::vector<double>> ms;           // mean of a call
    std::vector<std::vector<double>> objective;    // also infinite where a limit is not kept
    std::vector<std::vector<double>> quantile_ms;  // that the limit is about, of each the worst; empty unless the goal is slo
};

// REQUIRES: parts of the same sizes, objective and price; at least one.
[[nodiscard]] Values values_of(const std::vector<Part>& parts, Limit limit);

}  // namespace autotune::rules::sizing
