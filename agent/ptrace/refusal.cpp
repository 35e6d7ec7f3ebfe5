#include "agent/ptrace/refusal.hpp"

#include <unistd.h>

#include <cerrno>

#include "agent/ptrace/proc_files.hpp"
#include "os/file.hpp"

namespace autotune::ptrace {
namespace {

std::string text_of(const std::string& path) {
    std::string text = read_file(path).value_or("");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

}  // namespace

Error explain_refusal(const RefusalFacts& facts, int error) {
    const std::string who = "process " + std::to_string(facts.pid);
    if (error == ESRCH || facts.status.empty()) return {Errc::not_found, "there is no " + who};
    if (error != EPERM && error != EACCES) return errno_error("tracing " + who, error);
    const auto refused = [&](const std::string& why) {
        return Error{Errc::permission_denied, who + " cannot be traced: " + why};
    };
    if (const auto tracer = status_number(facts.status, "TracerPid"); tracer.value_or(0) != 0)
        return refused("process " + std::to_string(*tracer) + " traces it already");
    if (!status_number(facts.status, "VmSize")) return refused("it is a kernel thread or about to end");
    const auto user = status_number(facts.status, "Uid");
    if (facts.our_user != 0 && user && *user != facts.our_user)
        return refused("it belongs to user " + std::to_string(*user) + ", this is user " +
                       std::to_string(facts.our_user) + "; run as root");
    if (facts.yama_scope == "3") return refused("Yama forbids ptrace altogether (kernel.yama.ptrace_scope is 3)");
    if (facts.yama_scope == "2") return refused("Yama wants CAP_SYS_PTRACE (kernel.yama.ptrace_scope is 2)");
    if (facts.yama_scope == "1")
        return refused("Yama lets only a parent do it (kernel.yama.ptrace_scope is 1); start it with autotune, or "
                       "run as root");
    return refused("the kernel refuses: it has other privileges, or a security policy is in the way");
}

Error explain_refusal(pid_t pid, int error) {
    const std::string folder = "/proc/" + std::to_string(pid);
    return explain_refusal(RefusalFacts{.pid = pid,
                                        .status = text_of(folder + "/status"),
                                        .yama_scope = text_of("/proc/sys/kernel/yama/ptrace_scope"),
                                        .our_user = geteuid()},
                           error);
}

}  // namespace autotune::ptrace
