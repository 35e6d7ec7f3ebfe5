// Which argument of a system call is a path or an address, for the kernel side of the black box.
#pragma once

#include <array>
#include <cstdint>

#include "bpf/wire.h"

namespace autotune::black_box {

inline constexpr std::uint8_t kAddressArgument = 16;  // AT_BOX_ADDRESS of bpf/parts/black_box_state.bpf.h
inline constexpr std::uint8_t kBringsWork = 128;      // AT_BOX_BRINGS_WORK
inline constexpr std::uint8_t kTextArgument = 127;    // of these, the rest

// Number → 1 + the argument that is a path (0 or 1); kAddressArgument + the one that is a struct sockaddr; 0: none. And kBringsWork
// for calls that somebody waits in for work.
[[nodiscard]] std::array<std::uint8_t, AT_SYSCALL_NUMBERS> text_arguments();

}  // namespace autotune::black_box
