// The system-call numbers of the architecture we are built for, by what the calls do (bpf/logic/calls.h) and by
// what they wait for (bpf/logic/off_cpu.h).
#pragma once

#include <array>
#include <cstdint>

#include "bpf/logic/calls.h"
#include "bpf/logic/off_cpu.h"

namespace autotune {

[[nodiscard]] std::array<std::uint8_t, AT_SYSCALL_NUMBERS> syscall_table();  // enum at_call
[[nodiscard]] std::array<std::uint8_t, AT_SYSCALL_NUMBERS> wait_table();     // enum at_wait_kind

}  // namespace autotune
