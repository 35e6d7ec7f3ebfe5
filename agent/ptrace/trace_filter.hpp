// The seccomp filter that makes a launched program stop only where something is told. Pure.
//
// Calls of another ABI (32-bit, x32) have other numbers; they stop to be counted. What is not wanted passes by
// without a stop. A filter stays for the life of the program and goes to its children: whoever has it needs a
// tracer, because a call that it stops at fails with ENOSYS where there is none.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <span>
#include <vector>

#include "agent/ptrace/wanted_calls.hpp"

namespace autotune::ptrace {

enum class Unlisted : std::uint8_t { pass, stop };
[[nodiscard]] std::vector<sock_filter> trace_filter(std::span<const WantedCall> calls, Unlisted others);
[[nodiscard]] std::vector<sock_filter> trace_filter(const WantedCalls& wanted);

// The AUDIT_ARCH_* of the programs that we decode.
[[nodiscard]] std::uint32_t native_architecture();

}  // namespace autotune::ptrace
