// EventSource: where events come from. Peers: bpf, ptrace, runtime, provider log, replay.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/event.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace autotune {

enum class SyscallDetail : std::uint8_t {
    none,
    counted,  // SyscallTotals now and then and at the end: the cheapest there is
    each,     // SyscallDone for every call
};

// What of a wish is not told for now, to keep a budget; how much that was is told as Lost{shed}.
struct ShedDetail {
    bool waits = false;    // OffCpu events
    bool files = false;    // IoDone events of files and pipes
    bool sockets = false;  // those of sockets
    bool last_calls = false;  // the system calls that a black box remembers
    // Of invocations that end well one of so many is told, by chance; those that end otherwise all are.
    std::uint32_t told_one_in = 1;
    // What threads wait for: off-CPU time is then of unknown cause. Only once nothing but boundaries is told.
    bool causes = false;
    bool operator==(const ShedDetail&) const = default;
};

// What the rest of the loop asks of a source: plain data, the whole wish every time.
struct Detail {
    // cgroup-v2 subtrees to trace, paths below the cgroup2 mount ("/autotune/host"). Empty: every
    // executor that shows itself by its traffic.
    std::vector<std::string> cgroups;
    // Processes to trace, with all that they start; beside the cgroups. With some named, executors that show
    // themselves elsewhere are left alone.
    std::vector<std::int32_t> processes;
    bool io = true;                   // IoDone, HttpDone, NameResolved, SocketTrouble events
    bool waits = false;               // an OffCpu event for each wait; ThreadTimes come without asking
    SyscallDetail syscalls = SyscallDetail::none;
    bool stacks = true;               // StackSample events
    std::uint32_t sample_hz = 99;
    ShedDetail shed;
};

enum class PollState : std::uint8_t {
    ready,  // there were events
    idle,   // none within the wait
    ended,  // there will never be more (a recording is over, the target has exited)
};

struct Poll {
    PollState state = PollState::idle;
    bool urgent = false;  // a kill or a failed init is among them: worth evaluating now
    // What happened before this is told, now or in earlier polls. The poll may return much later: on a busy machine more happens
    // between its last look and whatever its caller does next. None: the source does not know.
    std::optional<Timestamp> told_until = std::nullopt;
};

// One thread uses a source at a time.
class EventSource {
public:
    virtual ~EventSource() = default;

    // Attaches. Errors: permission_denied, unsupported; the message says what is missing.
    virtual Status start() = 0;

    // May be called before start() and at any time after it.
    virtual Status focus(const Detail& detail) = 0;

    // Appends what has happened to batch.events, waiting at most `wait` for the first. Losses are
    // in the batch as Lost events, never silent.
    virtual Result<Poll> poll(Nanos wait, EventBatch& batch) = 0;

    // The tracing ends here, whatever the target does: lets go of it and appends what only now is known: calls
    // that are still open (as `cut`), last totals of calls, system calls and threads, last losses. Nothing is
    // polled afterwards. A source that holds nothing back need not override it.
    virtual Status finish(EventBatch&) { return ok(); }
};

}  // namespace autotune
