#include "host/breaks/debugger_watch.hpp"

namespace autotune::host {

void DebuggerWatch::look(const std::vector<pid_t>& processes) {
    debugger_ = 0;
    stopped_ = false;
    for (const pid_t pid : processes) {
        const auto found = procfs_.tracer(pid);
        if (!found || found->pid == 0) continue;
        debugger_ = found->pid;
        stopped_ |= found->holds_it;
    }
    was_there_ |= debugger_ != 0;
    has_stopped_ |= stopped_;
}

}  // namespace autotune::host
