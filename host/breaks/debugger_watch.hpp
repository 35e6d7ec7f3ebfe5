// DebuggerWatch: whether a debugger (gdb, dlv, lldb: anything that uses ptrace) has some processes in its hands,
// from looks at /proc. No thread of its own; it knows what the last look showed.
#pragma once

#include <sys/types.h>

#include <vector>

#include "os/procfs.hpp"

namespace autotune::host {

class DebuggerWatch {
public:
    explicit DebuggerWatch(Procfs procfs = Procfs()) : procfs_(std::move(procfs)) {}

    void look(const std::vector<pid_t>& processes);

    [[nodiscard]] pid_t debugger() const { return debugger_; }  // 0: none
    // It was there, stopped what it debugs, and lets it run now: somebody typed `continue`.
    [[nodiscard]] bool continued() const { return debugger_ != 0 && has_stopped_ && !stopped_; }
    // It was there and is no more.
    [[nodiscard]] bool gone() const { return debugger_ == 0 && was_there_; }

private:
    Procfs procfs_;
    pid_t debugger_ = 0;
    bool stopped_ = false, has_stopped_ = false, was_there_ = false;
};

}  // namespace autotune::host
