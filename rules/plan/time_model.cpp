#include "rules/plan/time_model.hpp"

#include <algorithm>
#include <limits>

namespace autotune::rules {

double TimeModel::time_ratio(double to_mb) const {
    return 1 - cpu_share + cpu_share * std::min(from_mb, whole_cpu_mb) / std::min(to_mb, whole_cpu_mb);
}

double TimeModel::memory_for(double ratio) const {
    constexpr double kNever = std::numeric_limits<double>::infinity();
    const double for_cpu = ratio - (1 - cpu_share);  // what waiting leaves
    if (for_cpu <= 0) return kNever;
    const double memory = cpu_share * std::min(from_mb, whole_cpu_mb) / for_cpu;
    return memory < whole_cpu_mb ? memory : kNever;
}

double cost_ratio(const TimeModel& model, const CostChange& change) {
    if (change.failure_rate_before >= 1) return 0;
    return change.to_mb / model.from_mb * model.time_ratio(change.to_mb) * (1 - change.failure_rate_before) /
           std::max(1 - change.failure_rate_after, 1e-9);
}

}  // namespace autotune::rules
