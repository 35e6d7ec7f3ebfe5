// The doctor's single checks, in the order in which they are told.
#pragma once

#include <vector>

#include "agent/doctor/doctor.hpp"

namespace autotune::doctor {

[[nodiscard]] std::vector<Check> check_kernel();        // version, BTF, program kinds, clocks, probes
[[nodiscard]] std::vector<Check> check_user();          // capabilities, limits, lockdown, seccomp, ptrace
[[nodiscard]] std::vector<Check> check_surroundings();  // cgroups, container, tracefs

}  // namespace autotune::doctor
