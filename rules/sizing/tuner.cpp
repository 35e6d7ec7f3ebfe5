#include "rules/sizing/tuner.hpp"

#include "rules/sizing/belief.hpp"
#include "rules/sizing/choosing.hpp"

namespace autotune::rules::sizing {

Probe gallop(const State& state, std::size_t first) {
    const double wanted = first == 0 ? 0 : 2.0 * state.sizes_mb[first - 1];
    for (std::size_t i = first; i < state.sizes_mb.size(); ++i)
        if (state.sizes_mb[i] >= wanted) return {state.sizes_mb[i]};
    return {state.sizes_mb.back()};
}

Step next(const State& state) {
    const Feasible range = feasible(state);
    const bool above = range.first < state.sizes_mb.size() && range.succeeded == state.sizes_mb.size();
    if (above && !is_spent(state)) return gallop(state, range.first);
    if (!range.some_work()) return Choose{};
    const Curves curves = draw_curves(state, range);
    return Choosing(state, range, values_of({{&state, &curves, 1}}, Limit::of_all)).step();
}

}  // namespace autotune::rules::sizing
