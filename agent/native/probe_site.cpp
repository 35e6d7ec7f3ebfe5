#include "agent/native/probe_site.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include "agent/native/x86_instruction.hpp"

namespace autotune::native {

namespace {

constexpr std::size_t kMostPassed = 12;  // instructions before the site

enum class RedZone : std::uint8_t { unused, perhaps_used };

std::optional<SiteKind> cheap_kind(const X86Instruction& i, LongNops nops, RedZone red_zone) {
    if (!i.is_probeable) return std::nullopt;
    if (i.is_nop && i.length == 5) {
        if (red_zone == RedZone::unused && nops == LongNops::emulated) return SiteKind::nop5;
        return std::nullopt;
    }
    if (i.is_nop && (nops == LongNops::emulated || i.length <= 2)) return SiteKind::nop;
    if (i.is_push) return SiteKind::push;
    const bool goes = i.flow == Flow::branch || i.flow == Flow::jump || i.flow == Flow::call;
    if (goes && !i.has_operand_prefix && i.length >= 2) return SiteKind::jump;
    return std::nullopt;
}

// The first address that something in the function jumps to; the end of what was given when
// nothing does, 0 when nobody can tell.
std::size_t first_target(std::span<const std::byte> code) {
    std::size_t first = code.size();
    for (std::size_t at = 0; at < code.size();) {
        const auto i = decode_x86(code.subspan(at));
        if (!i || i->flow == Flow::indirect_jump) return 0;
        at += i->length;
        if (i->flow != Flow::branch && i->flow != Flow::jump) continue;
        const std::int64_t target = static_cast<std::int64_t>(at) + i->displacement;
        if (target >= 0 && target < static_cast<std::int64_t>(first)) first = static_cast<std::size_t>(target);
    }
    return first;
}

bool may_be_stepped(const X86Instruction& i, LongNops nops) {
    const bool would_be_replaced = i.is_nop && i.length == 5 && nops == LongNops::emulated;
    return i.is_probeable && !would_be_replaced;
}

ProbeSite choose_x86(std::span<const std::byte> code, LongNops nops) {
    ProbeSite any;  // the first that the kernel takes: the entry, as a rule
    bool has_any = false;
    RedZone red_zone = RedZone::unused;
    bool only_marks = true;  // passed were endbr64 and nops alone
    std::size_t at = 0;
    for (std::size_t passed = 0; passed < kMostPassed && at < code.size(); ++passed) {
        const auto i = decode_x86(code.subspan(at));
        if (!i) return any;
        const auto kind = cheap_kind(*i, nops, red_zone);
        const bool takes_it_alone = !has_any && may_be_stepped(*i, nops);
        if (kind || takes_it_alone) {
            // Nobody jumps between endbr64 and what follows it; elsewhere there may be a loop.
            if (at > 0 && !only_marks && first_target(code) <= at) return any;
            const auto into = static_cast<std::uint32_t>(at);
            if (kind) return {.into = into, .kind = *kind};
            any.into = into;
            has_any = true;
        }
        if (!i->is_harmless) return any;
        only_marks = only_marks && (i->is_endbr || i->is_nop);
        if (i->writes_memory) red_zone = RedZone::perhaps_used;
        at += i->length;
    }
    return any;
}

}  // namespace

std::string_view to_string(SiteKind kind) {
    static constexpr std::array<std::string_view, kSiteKindCount> kNames{"nop5", "nop", "push", "jump",
                                                                         "stepped"};
    const auto at = static_cast<std::size_t>(kind);
    return at < kNames.size() ? kNames[at] : "unknown";
}

Machine this_machine() {
#if defined(__x86_64__)
    return Machine::x86_64;
#elif defined(__aarch64__)
    return Machine::arm64;
#else
    return Machine::other;
#endif
}

LongNops long_nops_of_this_kernel() {
    utsname name{};
    int major = 0;
    int minor = 0;
    if (uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return LongNops::stepped;
    return major > 6 || (major == 6 && minor >= 18) ? LongNops::emulated : LongNops::stepped;
}

ProbeSite choose_entry_site(std::span<const std::byte> code, Machine machine, LongNops nops) {
    return machine == Machine::x86_64 ? choose_x86(code, nops) : ProbeSite{};
}

bool takes_probe(std::span<const std::byte> code, std::uint32_t at, Machine machine) {
    if (machine != Machine::x86_64 || at >= code.size()) return true;
    const auto i = decode_x86(code.subspan(at));
    return !i || i->is_probeable;
}

ProbeSite choose_inner_site(std::span<const std::byte> code, std::uint32_t at, Machine machine, LongNops nops) {
    ProbeSite site{.into = at};
    if (machine != Machine::x86_64 || at >= code.size()) return site;
    auto i = decode_x86(code.subspan(at));
    if (i && i->is_nop && i->length == 5 && at + 5u < code.size()) {
        site.into += 5;
        i = decode_x86(code.subspan(site.into));
    }
    if (i) site.kind = cheap_kind(*i, nops, RedZone::perhaps_used).value_or(SiteKind::stepped);
    return site;
}

}  // namespace autotune::native
