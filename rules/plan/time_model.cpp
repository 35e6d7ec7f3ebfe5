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

}  // namespace autotune::rules
