// From the single checks to what it means. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/doctor/doctor.hpp"

namespace autotune::doctor {

// Fills backend, possible, works and lacking from diagnosis.checks.
void conclude(Diagnosis& diagnosis);

}  // namespace autotune::doctor
