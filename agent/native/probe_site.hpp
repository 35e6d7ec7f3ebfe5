// Where to put a uprobe on a function, so that it is cheap, and so that the arguments are still in their
// registers and the stack pointer at the return address (a return probe needs that).
//
// Cheap are instructions that the kernel emulates (push, nop, jumps) or replaces by a call (a five-byte nop,
// from Linux 6.18); any other is executed alone in a debug trap, which costs ten to twenty times as much where
// traps are dear. So in a binary built for CET the `push` after `endbr64` is chosen, and in general the first
// cheap instruction that every call passes exactly once and that only harmless ones precede.
//
// A five-byte nop is only taken where nothing was written before it: what the kernel puts in its place writes
// below the stack pointer, where a leaf function may keep its variables.
//
//     const auto site = native::find_probe_site("/usr/lib/x86_64-linux-gnu/libssl.so.3", "SSL_read");
//     // attach at site->file_offset
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace autotune::native {

enum class SiteKind : std::uint8_t {
    nop5,     // replaced by a call
    nop,      // emulated
    push,     // emulated
    jump,     // conditional or not, or a call: emulated
    stepped,  // executed alone
};
inline constexpr std::size_t kSiteKindCount = 5;
[[nodiscard]] std::string_view to_string(SiteKind kind);  // "nop5", …

struct ProbeSite {
    std::uint64_t file_offset = 0;
    std::uint32_t into = 0;  // bytes after the function's entry
    SiteKind kind = SiteKind::stepped;
};

enum class Machine : std::uint8_t { x86_64, arm64, other };
[[nodiscard]] Machine this_machine();

// What the running kernel does about nops of several bytes: executes them alone, like anything, or not.
enum class LongNops : std::uint8_t { stepped, emulated };
[[nodiscard]] LongNops long_nops_of_this_kernel();

// Within the code of one function, from its entry; `file_offset` is filled in by who knows it. Pure, total: what
// cannot be understood is probed at the entry, takes_probe() or not. Other machines than x86-64: the entry, as it is.
[[nodiscard]] ProbeSite choose_entry_site(std::span<const std::byte> code, Machine machine, LongNops nops);

// Whether a probe may be put on the instruction at `at` (X86Instruction::is_probeable). What cannot be understood is
// left to the kernel.
[[nodiscard]] bool takes_probe(std::span<const std::byte> code, std::uint32_t at, Machine machine);

// For a probe in the middle of a function, as on a line: `at` bytes into it, or the instruction after that when
// there is a five-byte nop.
[[nodiscard]] ProbeSite choose_inner_site(std::span<const std::byte> code, std::uint32_t at, Machine machine,
                                          LongNops nops);

// The site of one function of a file, by its exact name (mangled or as people write it). Errors: not_found with
// the nearest names, unsupported for another machine's file or one without symbols, permission_denied, corrupt.
[[nodiscard]] Result<ProbeSite> find_probe_site(const std::string& path, std::string_view function);

}  // namespace autotune::native
