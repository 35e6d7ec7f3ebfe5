// Which memory size a function should have, by as few calls as it takes: next(State) → Probe | Choose.
//
// The next call goes where what it is expected to gain is most for its price, by curves drawn from the belief
// (belief.hpp); only sizes that were measured kLeastCalls times are chosen. Failures are censored: they rule sizes
// out, they never end the search. Pure, and the same for the same State.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "rules/sizing/price.hpp"

namespace autotune::rules::sizing {

enum class Goal : std::uint8_t { cost, balanced, fastest_within, slo };
struct Objective {
    Goal goal = Goal::cost;
    double parameter = 0;  // balanced: weight of cost, 0..1; fastest_within: percent, >= 0; slo: ms, > 0
    double quantile_z = 0; // slo: of the calls' times, in standard deviations of a normal: 1.645 is the 95th percentile
};

struct Cell {
    std::vector<double> ok_ms;  // > 0
    std::uint32_t errors = 0, killed = 0;  // killed: out of memory or of time
    std::uint32_t out_of_memory = 0;       // of the killed
};

struct State {
    std::vector<std::uint32_t> sizes_mb;  // ascending, none twice, not empty
    Objective objective;
    double floor_mb = 0;                    // largest memory seen × 1.15; 0: not known
    double budget = 0;                      // no further call when it is spent; 0: none
    std::map<std::uint32_t, Cell> cells;
    double spent = 0;  // as the budget: USD where `price` tells it, else MB·ms
    Price price = {};
};

// What a call costs at sizes_mb[i] for `ms` of billed time: USD, or MB·ms.
[[nodiscard]] inline double cost(const State& state, std::size_t i, double ms) {
    return state.price.at.empty() ? state.sizes_mb[i] * ms : state.price.at[i].usd_per_ms * ms;
}

struct Probe {
    std::uint32_t memory_mb = 0;
};
struct Choose {
    std::uint32_t memory_mb = 0;   // 0: no size has successes, or the budget ended before one had kLeastCalls
    double expected_ms = 0, low_ms = 0, high_ms = 0;  // 90 % interval of the mean
    double regret_bound = 0;                          // 95th percentile, 0.05: 5 %
    double limit_kept = 1;                            // slo, fastest_within: how probable it is that the limit is kept
    double quantile_ms = 0;                           // slo: expected
};
// A limit of all calls together, or of those of each input bucket.
enum class Limit : std::uint8_t { of_all, of_each };
using Step = std::variant<Probe, Choose>;

inline constexpr std::size_t kLeastCalls = 3;
inline constexpr std::size_t kMostCalls = 10;  // at one size

[[nodiscard]] Step next(const State& state);

// While nothing has succeeded: twice the size that failed last, `first` being the first that is not ruled out.
[[nodiscard]] Probe gallop(const State& state, std::size_t first);

}  // namespace autotune::rules::sizing
