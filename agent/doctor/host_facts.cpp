#include "agent/doctor/host_facts.hpp"

#include <charconv>

namespace autotune::doctor {

namespace {

// The value of "NAME:\tvalue" in a status file; "" when it is not there.
std::string_view status_value(std::string_view status, std::string_view name) {
    while (!status.empty()) {
        const auto length = std::min(status.find('\n'), status.size());
        std::string_view line = status.substr(0, length);
        status.remove_prefix(std::min(length + 1, status.size()));
        if (!line.starts_with(name) || line.substr(name.size()).substr(0, 1) != ":") continue;
        line.remove_prefix(name.size() + 1);
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        return line;
    }
    return {};
}

template <class Number>
Number number_or(std::string_view text, int base, Number fallback) {
    Number value{};
    return std::from_chars(text.data(), text.data() + text.size(), value, base).ec == std::errc() ? value
                                                                                                  : fallback;
}

}  // namespace

std::optional<KernelVersion> parse_kernel_version(std::string_view release) {
    const auto dot = release.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const int major_number = number_or(release.substr(0, dot), 10, -1);
    const int minor_number = number_or(release.substr(dot + 1), 10, -1);
    if (major_number < 0 || minor_number < 0) return std::nullopt;
    return KernelVersion{major_number, minor_number};
}

UserFacts parse_user_facts(std::string_view status) {
    return {.effective_capabilities = number_or(status_value(status, "CapEff"), 16, std::uint64_t{0}),
            .seccomp = number_or(status_value(status, "Seccomp"), 10, 0)};
}

PtraceReach ptrace_reach(const UserFacts& user, std::string_view yama_scope) {
    if (yama_scope == "3") return PtraceReach::nothing;
    if (user.has(Capability::sys_ptrace)) return PtraceReach::all;
    if (yama_scope == "2") return PtraceReach::nothing;
    return yama_scope == "1" ? PtraceReach::started : PtraceReach::own_user;
}

std::string_view chosen_word(std::string_view text) {
    const auto open = text.find('[');
    const auto close = text.find(']', open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos) return {};
    return text.substr(open + 1, close - open - 1);
}

}  // namespace autotune::doctor
