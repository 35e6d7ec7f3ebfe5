#include "agent/doctor/spread.hpp"

#include <algorithm>

namespace autotune::doctor {

Cost spread_of(std::string operation, std::vector<double> times_ns, double baseline_ns) {
    Cost cost{.operation = std::move(operation)};
    cost.rounds = static_cast<std::uint32_t>(times_ns.size());
    if (times_ns.empty()) return cost;
    std::ranges::sort(times_ns);
    const auto at = [&](std::size_t percent) {
        return std::max(0.0, times_ns[(times_ns.size() - 1) * percent / 100] - baseline_ns);
    };
    cost.low_ns = at(10);
    cost.median_ns = at(50);
    cost.high_ns = at(90);
    return cost;
}

}  // namespace autotune::doctor
