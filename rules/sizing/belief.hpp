// What a function's time may be at each size, given the calls so far: curves drawn from the belief.
//
// T(m) = (a + w·f(m))·cell. Shapes f are CPU in proportion up to a size (also steeper: small sizes suffer more than
// their share), or whole CPUs in steps; each is fitted by weighted least squares and drawn as often as it explains
// the calls. `cell` is what a size has of its own. rules/plan/time_model is the first shape alone, with the share
// that waits known and no doubt: for plans from one size, where there is nothing to fit.
//
// Pure, and the same for the same State.
#pragma once

#include <cstddef>
#include <vector>

#include "rules/sizing/tuner.hpp"

namespace autotune::rules::sizing {

// Indices in State::sizes_mb. Sizes below `first` are ruled out, but for those of which their own calls have shown that they
// work; the least from `first` on that has succeeded is `succeeded` (sizes_mb.size(): none has); where between the two a function
// begins to work is not known.
struct Feasible {
    std::size_t first = 0, succeeded = 0;
    std::vector<bool> shown;  // by size
    [[nodiscard]] bool possible(std::size_t i) const { return i >= first || shown[i]; }
    [[nodiscard]] bool some_work() const;  // is there a size that has succeeded and is not ruled out?
};
[[nodiscard]] Feasible feasible(const State& state);

// How much the logarithms of calls at one size vary, as a standard deviation.
[[nodiscard]] double spread(const State& state);

// How many calls succeeded at sizes_mb[i].
[[nodiscard]] std::size_t successes(const State& state, std::size_t i);

inline constexpr std::size_t kCurves = 160;

// By curve and size; infinite where the function fails, and at sizes that are ruled out.
struct Curves {
    std::vector<std::vector<double>> ms;      // mean of a call
    std::vector<std::vector<double>> middle;  // the same without what only luck may have made of a size
    std::vector<double> sd;                   // by curve: of a call's logarithm; 0 unless the goal is slo
};

// `stream`: curves of several functions are drawn independently. REQUIRES: range.some_work().
[[nodiscard]] Curves draw_curves(const State& state, const Feasible& range, std::uint32_t stream = 0);

// REQUIRES: not empty.
[[nodiscard]] double sorted_at(const std::vector<double>& sorted, double p);

// What the curves say of each size, in the order of State::sizes_mb.
struct Expected {
    double ms = 0, low_ms = 0, high_ms = 0;  // of those in which it works, the 90 % interval of the mean; 0: of none
    double works = 0;                        // the share in which it works
};
// By size, of curves of the mean.
[[nodiscard]] std::vector<Expected> expected_of(const std::vector<std::vector<double>>& curves_ms);
// Empty where no size has succeeded.
[[nodiscard]] std::vector<Expected> expected(const State& state);

}  // namespace autotune::rules::sizing
