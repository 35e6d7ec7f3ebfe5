// From repeated timings to a Cost. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/doctor/doctor.hpp"

namespace autotune::doctor {

// Median and 10th and 90th percentile of `times_ns` less `baseline_ns`; never below zero. Zeros when
// there are no times.
[[nodiscard]] Cost spread_of(std::string operation, std::vector<double> times_ns, double baseline_ns);

}  // namespace autotune::doctor
