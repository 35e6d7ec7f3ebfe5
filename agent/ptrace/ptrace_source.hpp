// PtraceSource: what processes do, seen by stopping them at their system calls, as Events: for where eBPF is not
// allowed, and for users on their own processes. The same Events as the BPF source's, by the same decoder.
//
// Launch: `command` is started under a seccomp filter, so that only calls of which something is told stop it (two
// stops of some 25 µs each; any other call: 50 ns). The filter stays with the program and its children, and a call
// that it stops at fails with ENOSYS without a tracer: the destructor therefore lets the program run to its end, and
// who kills this process leaves the program behind in that state. The source never kills it.
// Attach: the processes of Detail::processes, with their descendants. No filter then, every call stops twice. Calls
// that wait are begun anew by the kernel when we attach and let go; epoll_wait, as after any stop, may give EINTR.
// The destructor lets them go unharmed.
//
// A traced call takes longer: by call_bias, measured at start and already taken off latencies. Waits by cause
// (ThreadTimes) come from the time in calls: of network and disk always, of locks, sleeps and children where
// Detail::waits is set; what is left, our own stops too, is `unknown`.
// The end of a connect that answered EINPROGRESS is told when the program learns of it.
//
// Event::cgroup is a number of the tree's own (bpf/wire.h), as the BPF source has it for named processes. A wait
// in poll for one descriptor is told with the I/O that it was for; with Detail::waits all are, in select and epoll too.
//
// HTTP/1.x on plain sockets is heard as the BPF source hears it, at the stops that are made anyway; nothing inside TLS.
//
// Not seen: retransmits and resets, samples of stacks, OOM kills as such.
// Detail::cgroups is not for ptrace: unsupported.
//
// One thread uses it at a time. A process that this source traces must not be waited for with waitpid by its
// parent in this same process: the stops would be told to that thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/event_source.hpp"
#include "core/result.hpp"
#include "os/pidfd.hpp"

namespace autotune {

struct PtraceSourceOptions {
    std::vector<std::string> command;  // to launch, PATH is searched; empty: attach to Detail::processes
    // NAME=value, all of it; nullopt: this process's.
    std::optional<std::vector<std::string>> environment;
};

struct PtraceHealth {
    std::uint64_t stops = 0;   // of traced tasks, handled
    std::uint64_t events = 0;  // given to poll()'s callers, Lost ones apart
    std::uint64_t lost = 0;    // told as Lost events
    Nanos call_bias{0};        // what a traced call takes longer; already taken off
};

class PtraceSource final : public EventSource {
public:
    ~PtraceSource() override;

    // Errors: not_found (no such program or process), permission_denied (and who forbids it), invalid_argument.
    Status start() override;
    // Before start() it decides what the filter stops at; after it, less can be asked for, and again what there was.
    Status focus(const Detail& detail) override;
    // `ended` once all traced processes have ended.
    Result<Poll> poll(Nanos wait, EventBatch& batch) override;
    // An attached process is let go here; a launched one runs on, untold.
    Status finish(EventBatch& batch) override;

    // Of the launched program; 0 and nullopt before.
    [[nodiscard]] pid_t launched() const;
    [[nodiscard]] std::optional<ExitStatus> exit_status() const;
    // To the launched program, never to a stranger with its number. Errors: not_found when it has ended.
    [[nodiscard]] Status signal_launched(int signal) const;

    [[nodiscard]] PtraceHealth health() const;

private:
    friend Result<std::unique_ptr<PtraceSource>> make_ptrace_source(PtraceSourceOptions);
    class Impl;
    explicit PtraceSource(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Touches nothing yet. Errors: unsupported on an architecture or kernel without PTRACE_GET_SYSCALL_INFO.
[[nodiscard]] Result<std::unique_ptr<PtraceSource>> make_ptrace_source(PtraceSourceOptions options = {});

}  // namespace autotune
