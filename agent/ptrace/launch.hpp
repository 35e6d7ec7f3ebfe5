// Beginnings: a program launched under its filter, or processes that run already; and what a traced call costs here.
//
// All from the tracing thread: who seizes is the one whom stops are told to.
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"
#include "os/fd.hpp"

namespace autotune::ptrace {

struct Launched {
    pid_t pid = 0;
    Fd pidfd;
    Fd trouble;  // readable: why exec failed (an int, errno); closed by an exec that succeeded
};

// Forks, seizes the child, and lets it install the filter and become `command` (PATH is searched). No new privileges
// are given up unless the kernel asks for it. Returns before the exec: its stops are still to be handled.
[[nodiscard]] Result<Launched> launch(const std::vector<std::string>& command,
                                      const std::vector<std::string>& environment,
                                      std::span<const sock_filter> filter);

// Seizes one thread, without stopping it. Errors: not_found when it has gone; permission_denied with who forbids it.
[[nodiscard]] Status seize(pid_t tid);

// How much longer a call takes that is seen at its entry and its end: the median over a child's calls. 0 when it could
// not be measured.
[[nodiscard]] Nanos measure_call_bias();

}  // namespace autotune::ptrace
