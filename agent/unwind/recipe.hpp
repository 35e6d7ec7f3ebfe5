// Recipe: how to get from a frame to its caller at some place in a program, as far as x86-64 code needs it.
//
// The canonical frame address (CFA) is the stack pointer in the caller after the call. Of the registers only
// those are followed that a later CFA may be computed from: the stack pointer and rbp. DWARF 5, section 6.4;
// System V ABI for x86-64, section 3.7.
#pragma once

#include <cstdint>

namespace autotune::unwind {

enum class CfaRule : std::uint8_t {
    none,       // nothing is known here: the walk is cut
    end,        // the return address is undefined: the outermost frame of the thread
    rsp,        // rsp + cfa_offset
    rbp,        // rbp + cfa_offset
    deref_rbp,  // *(rbp + cfa_offset): functions that align their stack
    deref_rsp,  // *(rsp + cfa_offset) + 8: hand-written code that keeps the old stack pointer on the new
                // stack
    plt,        // rsp + 8 + ((rip & 15) >= cfa_offset ? 8 : 0): entries of the procedure linkage table
    signal,     // the kernel's signal frame: registers at fixed places above rsp
};

enum class RbpRule : std::uint8_t {
    same,    // the caller's rbp is in rbp still
    at_cfa,  // *(CFA + rbp_offset)
    at_rbp,  // *(rbp + rbp_offset)
};

// The return address is at CFA - 8.
struct Recipe {
    CfaRule cfa = CfaRule::none;
    RbpRule rbp = RbpRule::same;
    std::int16_t rbp_offset = 0;
    std::int32_t cfa_offset = 0;
    auto operator<=>(const Recipe&) const = default;
};
static_assert(sizeof(Recipe) == 8);

}  // namespace autotune::unwind
