#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>

#include "agent/doctor/checks.hpp"
#include "agent/doctor/host_facts.hpp"
#include "os/file.hpp"

namespace autotune::doctor {

namespace {

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text;
}

Check capabilities_check(const UserFacts& user) {
    struct Wanted {
        Capability capability;
        const char* name;
        bool in_sys_admin;  // the old catch-all holds it too
    };
    static constexpr std::array kWanted{Wanted{Capability::bpf, "CAP_BPF", true},
                                        Wanted{Capability::perfmon, "CAP_PERFMON", true},
                                        Wanted{Capability::sys_ptrace, "CAP_SYS_PTRACE", false},
                                        Wanted{Capability::dac_read_search, "CAP_DAC_READ_SEARCH", false}};
    std::string lacking;
    for (const Wanted& w : kWanted) {
        if (user.has(w.capability) || (w.in_sys_admin && user.has(Capability::sys_admin))) continue;
        lacking += (lacking.empty() ? "" : ", ") + std::string(w.name);
    }
    Check check{.name = "capabilities",
                .required = true,
                .detail = "user " + std::to_string(geteuid()) + " has all that is needed"};
    if (lacking.empty()) return check;
    check.health = Health::missing;
    check.detail = "user " + std::to_string(geteuid()) + " lacks " + lacking;
    check.remedy = "run as root or with sudo; in a container add these capabilities";
    return check;
}

Check lockdown_check() {
    const auto text = read_file("/sys/kernel/security/lockdown");
    const std::string mode = text ? std::string(chosen_word(*text)) : "";
    Check check{.name = "lockdown",
                .required = true,
                .detail = mode.empty() ? "the kernel has no lockdown" : "lockdown is \"" + mode + '"'};
    if (mode == "confidentiality") {
        check.health = Health::missing;
        check.detail += ": programs may not read memory";
        check.remedy = "boot with lockdown=integrity or without lockdown";
    }
    return check;
}

Check memlock_check() {
    rlimit limit{};
    getrlimit(RLIMIT_MEMLOCK, &limit);
    const bool unlimited = limit.rlim_cur == RLIM_INFINITY;
    // From 5.11 on the kernel accounts BPF memory to the memory cgroup and asks for no locked memory.
    return {.name = "memlock",
            .detail = unlimited
                          ? std::string("unlimited")
                          : std::to_string(limit.rlim_cur >> 10) + " KiB; not counted for BPF since 5.11"};
}

Check seccomp_check(const UserFacts& user) {
    Check check{.name = "seccomp", .detail = "no filter on this process"};
    if (user.seccomp != 0) {
        check.health = Health::degraded;
        check.detail =
            "a seccomp filter is on this process: it may forbid bpf(2), perf_event_open(2) or ptrace(2)";
        check.remedy = "in a container: --security-opt seccomp=unconfined, or a profile that allows them";
    }
    return check;
}

std::vector<Check> ptrace_checks(const UserFacts& user) {
    const std::string scope = trimmed(read_file("/proc/sys/kernel/yama/ptrace_scope").value_or(""));
    const std::string yama = scope.empty() ? "Yama is absent" : "Yama scope " + scope;
    Check start{.name = "ptrace", .detail = "programs that are started can be traced (" + yama + ")"};
    Check attach{.name = "ptrace-attach", .detail = "processes that run already can be traced (" + yama + ")"};
    switch (ptrace_reach(user, scope)) {
        case PtraceReach::all: break;
        case PtraceReach::own_user:
            attach.health = Health::degraded;
            attach.detail = "only processes of this user (" + yama + ")";
            attach.remedy = "run as root, or give CAP_SYS_PTRACE";
            break;
        case PtraceReach::started:
            attach.health = Health::missing;
            attach.detail = "Yama lets only a parent trace (scope " + scope + ")";
            attach.remedy = "run as root, give CAP_SYS_PTRACE, or start the program with autotune";
            break;
        case PtraceReach::nothing:
            start.health = attach.health = Health::missing;
            start.detail = attach.detail = "Yama forbids it to this user (scope " + scope + ")";
            start.remedy = attach.remedy =
                scope == "3" ? "boot with another kernel.yama.ptrace_scope: this one cannot be lowered"
                             : "run as root, or give CAP_SYS_PTRACE";
            break;
    }
    return {start, attach};
}

}  // namespace

std::vector<Check> check_user() {
    const UserFacts user = parse_user_facts(read_file("/proc/self/status").value_or(""));
    std::vector<Check> checks{capabilities_check(user), lockdown_check(), memlock_check(), seccomp_check(user)};
    for (Check& check : ptrace_checks(user)) checks.push_back(std::move(check));
    return checks;
}

}  // namespace autotune::doctor
