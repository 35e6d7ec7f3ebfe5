// TraceSources: what a trace is made with: the sources that see the target, the probes in it, and the target
// itself where it is a command.
//
// A source that cannot be had does not stop the others: a remark says what will be missing. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/trace_request.hpp"
#include "core/event_source.hpp"
#include "core/result.hpp"
#include "os/pidfd.hpp"

namespace autotune::cli {

// Which sources a request is answered by. Pure.
struct TracePlan {
    enum class Kernel : std::uint8_t { none, bpf, ptrace };
    Kernel kernel = Kernel::none;  // who sees system calls and processes
    bool probes = false;           // exact calls from within the processes
};
// `bpf_usable`: this kernel and user allow it. Errors: invalid_argument: the request cannot be answered so,
// with the way out.
[[nodiscard]] Result<TracePlan> plan_trace(const TraceRequest& request, bool bpf_usable);

class TraceSources {
public:
    TraceSources();
    ~TraceSources();
    TraceSources(const TraceSources&) = delete;
    TraceSources& operator=(const TraceSources&) = delete;

    // Everything is attached and the command, if there is one, runs. Errors: what keeps all of it from
    // working; the target is untouched then.
    Status start(const TraceRequest& request);
    // It failed because there is no such command, or none that can be executed.
    [[nodiscard]] bool was_refused() const;

    [[nodiscard]] const std::vector<EventSource*>& all() const;
    [[nodiscard]] const std::vector<std::string>& backends() const;  // "bpf", "runtime"
    // Folders whose files are the probes', not the program's.
    [[nodiscard]] std::vector<std::string> own_folders() const;
    [[nodiscard]] std::vector<std::string> remarks();  // so far, for people

    // The command: how it ended, nullopt while it runs; a signal for it. REQUIRES: there is one.
    [[nodiscard]] std::optional<ExitStatus> ended();
    void signal(int number);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace autotune::cli
