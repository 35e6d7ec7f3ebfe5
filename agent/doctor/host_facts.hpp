// What small system files say of kernel and user. Pure parsers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace autotune::doctor {

struct KernelVersion {
    int major = 0;
    int minor = 0;
    auto operator<=>(const KernelVersion&) const = default;
};
// From uname's release: "6.1.0-18-amd64".
[[nodiscard]] std::optional<KernelVersion> parse_kernel_version(std::string_view release);

// Numbers of linux/capability.h.
enum class Capability : unsigned {
    dac_read_search = 2,
    sys_ptrace = 19,
    sys_admin = 21,
    perfmon = 38,
    bpf = 39
};

// From /proc/PID/status.
struct UserFacts {
    std::uint64_t effective_capabilities = 0;
    int seccomp = 0;  // 0 none, 1 strict, 2 filter

    [[nodiscard]] bool has(Capability c) const {
        return (effective_capabilities >> static_cast<unsigned>(c) & 1) != 0;
    }
};
[[nodiscard]] UserFacts parse_user_facts(std::string_view status);

// Whom ptrace(2) is allowed on.
enum class PtraceReach : std::uint8_t {
    nothing,
    started,   // only programs that we start
    own_user,  // … and processes of this user
    all,
};
// `yama_scope`: of /proc/sys/kernel/yama/ptrace_scope; empty: no Yama.
[[nodiscard]] PtraceReach ptrace_reach(const UserFacts& user, std::string_view yama_scope);

// The word in brackets: "none [integrity] confidentiality" gives "integrity"; "" when there is none.
[[nodiscard]] std::string_view chosen_word(std::string_view text);

}  // namespace autotune::doctor
