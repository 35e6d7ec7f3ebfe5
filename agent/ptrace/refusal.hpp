// Why the kernel does not let us trace a process: one line for people.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace autotune::ptrace {

// What is known about a process that ptrace(2) was refused for.
struct RefusalFacts {
    pid_t pid = 0;
    std::string status;      // of /proc/PID/status; empty: it has gone
    std::string yama_scope;  // of /proc/sys/kernel/yama/ptrace_scope; empty: no Yama
    uid_t our_user = 0;
};
// Pure. `error`: errno of the refusal.
[[nodiscard]] Error explain_refusal(const RefusalFacts& facts, int error);

// The same, with the facts of this moment.
[[nodiscard]] Error explain_refusal(pid_t pid, int error);

}  // namespace autotune::ptrace
