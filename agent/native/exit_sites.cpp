#include "agent/native/exit_sites.hpp"

#include "agent/native/x86_instruction.hpp"

namespace autotune::native {

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
