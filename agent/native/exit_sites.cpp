#include "agent/native/exit_sites.hpp"

#include <string_view>

#include "agent/native/x86_instruction.hpp"

namespace autotune::native {

namespace {

// Does not enter the kernel, and puts the stack pointer on no other stack; it may move on its own.
bool stays_here(std::span<const std::byte> instruction) {
    std::size_t at = 0;
    const auto next = [&] { return at < instruction.size() ? std::to_integer<unsigned>(instruction[at++]) : 0U; };
    static constexpr std::string_view kPrefixes = "\x66\x67\xf2\xf3\x2e\x36\x3e\x26\x64\x65\xf0";
    unsigned byte = next();
    while (kPrefixes.find(static_cast<char>(byte)) != std::string_view::npos && at < instruction.size()) byte = next();
    const unsigned rex = (byte & 0xf0) == 0x40 ? byte : 0;
    const unsigned opcode = rex != 0 ? next() : byte;
    constexpr unsigned kStackPointer = 4;
    const auto is_stack_pointer = [&](unsigned field, unsigned extension) {
        return field == kStackPointer && (rex & extension) == 0;
    };
    const bool short_form = opcode == 0x94 || opcode == 0x5c || opcode == 0xbc;  // xchg, pop, mov of a number
    if (short_form) return !is_stack_pointer(opcode & 7, 1);
    if (opcode == 0xcd) return false;  // int
    if (opcode == 0x0f) {
        const unsigned second = next();
        if (second == 0x05 || second == 0x34) return false;  // syscall, sysenter
        return (second & 0xf0) != 0x40 || !is_stack_pointer((next() >> 3) & 7, 4);  // conditional moves
    }
    const bool to_register = opcode == 0x8b || opcode == 0x8d || opcode == 0x63;
    const bool exchanges = opcode == 0x87;
    const bool to_memory_or_register = opcode == 0x89 || opcode == 0x8f || opcode == 0xc7 || exchanges;
    if (!to_register && !to_memory_or_register) return true;
    const unsigned modrm = next();
    if ((to_register || exchanges) && is_stack_pointer((modrm >> 3) & 7, 4)) return false;
    return !to_memory_or_register || modrm < 0xc0 || !is_stack_pointer(modrm & 7, 1);
}

}  // namespace

bool is_plain_leaf(std::span<const std::byte> code) {
    for (std::size_t at = 0; at < code.size();) {
        const auto i = decode_x86(code.subspan(at));
        if (!i || !stays_here(code.subspan(at, i->length))) return false;
        at += i->length;
        switch (i->flow) {
            case Flow::call:
            case Flow::indirect_call:
            case Flow::indirect_jump: return false;
            case Flow::branch:
            case Flow::jump: {
                const std::int64_t target = static_cast<std::int64_t>(at) + i->displacement;
                if (target < 0 || target >= static_cast<std::int64_t>(code.size())) return false;
                break;
            }
            default: break;
        }
    }
    return !code.empty();
}

std::optional<ExitSites> find_exit_sites(std::span<const std::byte> code) {
    ExitSites sites;
    bool takes_probes = true;
    const auto leaves_at = [&](std::uint32_t here, const X86Instruction& i) {
        sites.into.push_back(here);
        takes_probes = takes_probes && i.is_probeable;
    };
    for (std::size_t at = 0; at < code.size();) {
        const auto i = decode_x86(code.subspan(at));
        if (!i) return std::nullopt;
        const auto here = static_cast<std::uint32_t>(at);
        at += i->length;
        if (i->flow == Flow::leave) leaves_at(here, *i);
        // Through a table it stays inside; else it may be a tail call, or not.
        if (i->flow == Flow::indirect_jump && !i->has_notrack) return std::nullopt;
        if (i->flow != Flow::jump && i->flow != Flow::branch) continue;
        const std::int64_t target = static_cast<std::int64_t>(at) + i->displacement;
        if (target >= 0 && target < static_cast<std::int64_t>(code.size())) continue;
        sites.outside.push_back(target);
        if (i->flow == Flow::jump) leaves_at(here, *i);
    }
    if (!takes_probes) return std::nullopt;
    return sites;
}

}  // namespace autotune::native
