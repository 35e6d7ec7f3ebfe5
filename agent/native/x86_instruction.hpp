// One x86-64 instruction: how long it is, where it goes, and whether it leaves the registers of a call's
// arguments and the stack pointer alone. Total: any bytes give an answer or none, and never is a byte read
// beyond those given. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace autotune::native {

enum class Flow : std::uint8_t {
    next,           // on to the following instruction
    branch,         // conditional, to `target` or on
    jump,           // to `target`
    call,           // to `target`, and back
    indirect_jump,  // where only the registers know
    indirect_call,
    leave,  // return
    trap,   // ud2, hlt, int3: nothing follows
};

struct X86Instruction {
    std::uint8_t length = 0;
    Flow flow = Flow::next;
    std::int32_t displacement = 0;  // branch, jump, call: from the instruction's end to its target
    bool is_endbr = false;
    bool is_nop = false;       // of any length
    bool is_push = false;      // of one of the general registers
    bool has_operand_prefix = false;
    bool has_notrack = false;   // of an indirect jump: through a table, never to another function
    // A uprobe may be put on it. The kernel refuses some (lock, for one), and it takes vector instructions for others
    // with the same last opcode byte: vpbroadcastb, as strchr begins with, it executes as a jump.
    bool is_probeable = false;
    // Known to write neither the stack pointer nor a register that arguments come in, and to go nowhere. False
    // where that is not known.
    bool is_harmless = false;
    bool writes_memory = false;  // may; only told of harmless ones
};

// The instruction at the start of `code`. None: no valid instruction of 64-bit code, or it is cut.
[[nodiscard]] std::optional<X86Instruction> decode_x86(std::span<const std::byte> code);

}  // namespace autotune::native
