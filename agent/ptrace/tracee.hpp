// What the tracing thread remembers of traced threads and processes. Passive.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/ptrace/descriptors.hpp"
#include "agent/ptrace/remote.hpp"
#include "agent/ptrace/wanted_calls.hpp"
#include "core/event.hpp"
#include "os/fd.hpp"

namespace autotune::ptrace {

// The kernel's own sums about a thread: /proc/PID/task/TID/{schedstat,stat}.
struct ThreadSums {
    Nanos on_cpu{0};
    Nanos run_queue{0};  // 0 where the kernel does not keep it
    std::uint64_t minor_faults = 0;
    std::uint64_t major_faults = 0;
};

struct Process {
    pid_t pid = 0;
    pid_t parent = 0;
    std::uint64_t start_ns = 0;
    std::uint64_t scope = 0;  // bpf/wire.h: the tree that it belongs to
    Fd pidfd;
    std::shared_ptr<Descriptors> descriptors = std::make_shared<Descriptors>();
    std::size_t threads = 0;  // that we know and that have not ended
    std::size_t leaving = 0;  // of them, those that are about to end
    bool is_told = false;     // not before the launched program has become itself
    bool has_ended = false;   // told
    std::map<std::uint32_t, SyscallTotals> totals;
    Nanos cpu_before{0};  // that it had used when it was first seen
    Nanos cpu_at_end{0};
    at_usage usage_at_end{};
};

// The system call that a thread is in, from its entry stop to its exit stop.
struct PendingCall {
    const WantedCall* wanted = nullptr;  // null: only its number is told
    std::uint32_t number = 0;
    std::uint64_t arguments[6]{};
    Timestamp entered{};
    Nanos waited{0};  // for its descriptor to be ready, in a call before it
    std::uint32_t call = AT_CALL_NONE;
    int fd = -1;
    at_file file = AT_FILE_OTHER;  // of fd
    int from_fd = -1;              // of moves within the kernel
    at_file from_file = AT_FILE_OTHER;
    std::string closed;       // what is closed, by name
    bool is_control = false;  // Runtime API traffic
    bool has_first = false;   // of a send: `first` is what it says first
    std::array<char, 8> first{};
    bool is_io = false;       // to be told as I/O, or as its consequences
    std::optional<std::uint64_t> clone3_flags;  // to be put back
};

// A wait for descriptors, and what it reported.
struct Wait {
    Nanos duration{0};
    std::vector<pollfd> ready;  // of poll and select
    struct Told {
        std::uint64_t data = 0;  // what the program gave with the descriptor
        std::uint32_t events = 0;
    };
    int epoll = -1;
    std::vector<Told> told;  // of that epoll
};

struct Thread {
    pid_t tid = 0;
    std::shared_ptr<Process> process;
    bool wants_exit = false;  // `call` is to be told when it ends
    PendingCall call;
    std::optional<Wait> wait; // its last, until it is some I/O's
    std::string exec_path;    // as given to the exec that it is in
    Timestamp first_seen{};
    ThreadSums before;        // when it was first seen
    std::array<Nanos, kWaitCauseCount> in_calls{};  // time in calls, by what they wait for
};

}  // namespace autotune::ptrace
