#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "agent/doctor/checks.hpp"
#include "agent/doctor/host_facts.hpp"
#include "agent/doctor/kernel_probes.hpp"
#include "os/fd.hpp"

namespace autotune::doctor {

namespace {

constexpr KernelVersion kOldest{5, 11};  // task storage for every program kind
constexpr KernelVersion kTested{6, 1};   // Debian 12

constexpr const char* kSeeCapabilities = "see capabilities";

Check version_check() {
    utsname name{};
    uname(&name);
    const auto version = parse_kernel_version(name.release);
    Check check{.name = "kernel", .required = true, .detail = std::string("Linux ") + name.release};
    if (version && *version >= kTested) return check;
    check.health = version && *version >= kOldest ? Health::degraded : Health::missing;
    check.remedy = "Linux 6.1 or later is what is tested; 5.11 is the least that can work";
    return check;
}

Check btf_check() {
    static constexpr const char* kPath = "/sys/kernel/btf/vmlinux";
    Check check{
        .name = "btf", .required = true, .detail = std::string(kPath) + " describes the kernel's types"};
    const Fd file(open(kPath, O_RDONLY | O_CLOEXEC));
    std::uint16_t magic = 0;
    if (file && read(file.get(), &magic, sizeof magic) == sizeof magic && magic == 0xEB9F) return check;
    check.health = Health::missing;
    check.detail =
        std::string(kPath) + (file ? " is empty or not BTF" : std::string(": ") + std::strerror(errno));
    check.remedy =
        "a kernel built with CONFIG_DEBUG_INFO_BTF=y (Debian's, Ubuntu's and Fedora's are); in a "
        "container, mount /sys read-only from the host";
    return check;
}

struct Probe {
    const char* name;
    const char* program;  // of bpf/doctor_probes.bpf.c
    const char* detail;
    const char* remedy;
    bool required;
};

Check program_check(const Probe& probe) {
    Check check{.name = probe.name, .required = probe.required, .detail = probe.detail};
    const Status tried = try_program(probe.program);
    if (tried) return check;
    check.health = probe.required ? Health::missing : Health::degraded;
    check.detail = tried.error().message;
    check.remedy = tried.error().code == Errc::permission_denied ? kSeeCapabilities : probe.remedy;
    return check;
}

Check tried_check(Check check, const Status& tried) {
    if (tried) return check;
    check.health = check.required ? Health::missing : Health::degraded;
    check.detail = tried.error().message;
    if (tried.error().code == Errc::permission_denied) check.remedy = kSeeCapabilities;
    return check;
}

}  // namespace

std::vector<Check> check_kernel() {
    static constexpr std::array kPrograms{
        Probe{"raw-tracepoint", "empty", "system calls can be seen", "a kernel with CONFIG_BPF_EVENTS=y",
              true},
        Probe{"ring-buffer", "record", "records reach the agent in order", "Linux 5.8 or later", true},
        Probe{"hash-map", "update", "state can be kept", "a kernel with CONFIG_BPF_SYSCALL=y", true},
        Probe{"task-storage", "storage", "state can be kept by thread", "Linux 5.11 or later with BTF", true},
        Probe{"tp-btf", "switched", "the kernel's structures can be read at tracepoints",
              "a kernel with BTF (see btf)", true},
        Probe{"oom-tracepoint", "victim", "the victim of an OOM kill is seen in the act",
              "a kernel whose BTF has oom:mark_victim; without it kills are counted by the cgroup only",
              false},
        Probe{"perf-program", "tick", "programs may run on a clock tick",
              "a kernel with CONFIG_PERF_EVENTS=y", false},
    };
    std::vector<Check> checks{version_check(), btf_check()};
    for (const Probe& probe : kPrograms) checks.push_back(program_check(probe));
    checks.push_back(tried_check({.name = "perf-clock",
                                  .detail = "stacks can be sampled by the CPU's clock",
                                  .remedy = "a kernel with CONFIG_PERF_EVENTS=y; no flame graphs without it"},
                                 try_perf_clock()));
    checks.push_back(
        tried_check({.name = "uprobes",
                     .detail = "single functions of a program can be probed",
                     .remedy = "a kernel with CONFIG_UPROBE_EVENTS=y; needed by exact traces only"},
                    try_uprobe()));
    return checks;
}

}  // namespace autotune::doctor
