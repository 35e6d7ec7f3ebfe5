// Tries the kernel: loads the smallest program of a kind, times what a probe adds. libbpf behind a door.
#pragma once

#include <string>
#include <vector>

#include "agent/doctor/doctor.hpp"
#include "core/result.hpp"

namespace autotune::doctor {

// Loads the one program of bpf/doctor_probes.bpf.c of that name with the maps it needs; unloads it again.
// Errors: permission_denied, unsupported; the message is the kernel's reason.
[[nodiscard]] Status try_program(const std::string& name);

// Whether a perf software clock can be opened on CPU 0 of all processes.
[[nodiscard]] Status try_perf_clock();

// Whether a uprobe can be put on a function of this very program.
[[nodiscard]] Status try_uprobe();

// What an operation adds to a system call, or a uprobe to a call: medians over rounds, in some 50 ms in
// all. Those that cannot be loaded are left out.
[[nodiscard]] std::vector<Cost> measure_costs();

}  // namespace autotune::doctor
