// The system-call numbers of the architecture we are built for, by what the calls do (bpf/logic/calls.h).
#pragma once

#include <array>
#include <cstdint>

#include "bpf/logic/calls.h"

namespace autotune {

[[nodiscard]] std::array<std::uint8_t, AT_SYSCALL_NUMBERS> syscall_table();

}  // namespace autotune
