// Trace: what was seen of one run, as reports show it: trees of calls with what was done beneath them, and
// sums.
//
// A passive result of the analyzer. Names are ids of the Tables of the batches it was made from. Sums are
// exact for all events that arrived; where a tree or a table was too large to keep apart, what was folded
// together is counted, never dropped.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/event.hpp"
#include "core/invocation.hpp"

namespace autotune {

enum class DeedKind : std::uint8_t {
    call,      // of a function
    io,        // a system call on a socket or file
    http,      // an exchange
    wait,      // off the CPU
    syscall,   // told one by one
    fault,     // of a page
    variable,  // that was watched
    thread,    // everything that one thread did
    folded,    // what was too much to keep apart
};

// What was done: two deeds of one parent that are equal are told as one, with a count.
struct Deed {
    DeedKind kind = DeedKind::folded;
    std::uint8_t code = 0;     // io: IoOp; wait: WaitCause; http: Side; fault: 1 = major
    bool tls = false;          // http
    std::uint16_t status = 0;  // http
    std::uint32_t number = 0;  // syscall: its number; thread: its id
    FrameId function{};        // call
    StringId text{};           // io: path; http: path; variable: expression
    StringId host{};           // http: host; variable: value
    StringId method{};         // http
    Endpoint peer{};           // io, http
    auto operator<=>(const Deed&) const = default;
};

inline constexpr std::uint32_t kNoNode = 0xFFFFFFFF;

struct TraceNode {
    Deed deed;
    std::uint64_t count = 0;
    std::uint64_t failures = 0;  // calls that raised, I/O that failed, statuses of 400 and above
    std::uint64_t cut = 0;       // calls whose end was not seen
    std::uint64_t bytes = 0;     // moved by it
    Nanos total{0};
    Nanos self{0};  // calls: without the calls beneath
    Nanos slowest{0};
    Timestamp first;                      // when the first began
    std::uint32_t first_child = kNoNode;  // siblings are in the order in which they first began
    std::uint32_t next = kNoNode;
};

struct TracedProcess {
    ProcessId id;
    std::int32_t parent_pid = 0;
    StringId command{};
    StringId executable{};
    std::optional<Timestamp> started;  // not known of one that was there before us
    std::optional<Timestamp> ended;
    ProcessExited exit;            // meaningful with `ended`
    std::uint32_t tree = kNoNode;  // index of its first thread's node; kNoNode: nothing of it was seen
};

struct TracedInvocation {
    Invocation record;
    std::uint32_t tree = kNoNode;  // index of its first node
    std::uint64_t ambiguous = 0;   // deeds that could be its own or another's of the same process
    std::uint64_t merged = 1;      // how many invocations this tree is of: 1 but for the last of a function
};

struct FunctionUse {
    FrameId function{};
    Backend by{};
    std::uint64_t calls = 0;
    std::uint64_t seen = 0;    // of calls: told one by one
    std::uint64_t raised = 0;  // of seen
    std::uint64_t cut = 0;     // of seen
    Nanos total{0};            // callees included; a recursive call counts in its outermost only
    Nanos self{0};
    Nanos slowest{0};  // of seen
    Nanos bias{0};     // of one call, already subtracted
    Nanos spread{0};   // one call's duration is good to ± so much; 0: not measured
};

// Calls of one function by another; those that nothing traced made are in FunctionUse alone.
struct CallUse {
    FrameId caller{}, function{};
    std::uint64_t calls = 0;
    Nanos total{0};  // callees included; of calls that are not within another call of the function
};

// `rest` of a use: 0 for a row of its own; else the row is of all for which there was none any more, and this is how
// many calls or exchanges they were.
struct PeerUse {
    Endpoint peer;    // port 0: clients of a server, all their ports together
    StringId path{};  // Unix sockets
    StringId name{};  // from a DNS answer that was seen
    std::uint64_t connects = 0, accepts = 0;
    std::uint64_t refused = 0, reset = 0, failures = 0;  // failures: all of them
    std::uint64_t retransmits = 0;
    std::uint64_t sends = 0, receives = 0;
    std::uint64_t bytes_sent = 0, bytes_received = 0;
    Nanos wait{0}, slowest{0};
    std::uint64_t rest = 0;
};

struct FileUse {
    StringId path{};
    std::uint64_t opens = 0, reads = 0, writes = 0, syncs = 0, maps = 0, others = 0;
    std::uint64_t failures = 0;
    std::uint64_t bytes_read = 0, bytes_written = 0, bytes_mapped = 0;
    Nanos wait{0}, slowest{0};
    std::uint64_t rest = 0;
};

struct HttpUse {
    Side side{};
    bool tls = false;
    StringId method{}, host{}, path{};
    std::uint64_t count = 0;
    std::uint64_t failures = 0;               // status 400 and above, or no answer
    std::array<std::uint64_t, 6> by_class{};  // [0] no answer, [2] 2xx, …
    std::uint64_t request_bytes = 0, response_bytes = 0;
    Nanos latency{0}, slowest{0};  // first byte to first byte
    std::uint64_t rest = 0;
};

struct SyscallUse {
    std::uint32_t number = 0;
    std::uint64_t calls = 0, failures = 0;
    Nanos latency{0}, slowest{0};
};

struct ThreadUse {
    ProcessId process;
    ThreadId thread{};
    ThreadTimes times;
};

struct WaitTotals {
    std::uint64_t count = 0;
    Nanos duration{0}, slowest{0};
};

struct VariableRead {
    Timestamp at;
    ProcessId process;
    ThreadId thread{};
    StringId expression{}, value{};
};

struct NameSeen {
    StringId name{};
    Endpoint address;
};

struct CountedName {
    StringId what{};
    std::uint64_t count = 0;
};

// What no event tells of a trace: what was asked for, how it was done, how it ended.
struct TraceSetting {
    std::string target;                 // "-p 42", "-- python3 app.py"
    std::string machine;                // "x86_64": whose numbers system calls have
    Nanos wall_offset{0};               // wall time of Timestamp 0
    std::vector<std::string> backends;  // "bpf", "runtime", … as they were started
    std::vector<std::string> remarks;   // what could not be seen, for people
    std::string ending;                 // "exited with status 0", "interrupted", …
};

struct Trace {
    Timestamp from, to;  // first and last instant that any event tells of
    std::uint64_t events = 0;
    std::array<std::uint64_t, 5> by_backend{};  // events by Backend
    std::vector<TraceNode> nodes;
    std::vector<TracedInvocation> invocations;  // by start
    std::vector<TracedProcess> processes;       // by start, then pid
    std::vector<FunctionUse> functions;         // most self time first
    std::vector<CallUse> calls;                 // by caller and function; a hundred thousand at most
    std::vector<PeerUse> peers;                 // most waited for first; so are the next three
    std::vector<FileUse> files;
    std::vector<HttpUse> http;
    std::vector<SyscallUse> syscalls;
    std::vector<ThreadUse> threads;  // most wall time first
    std::array<WaitTotals, kWaitCauseCount> waits{};
    std::uint64_t minor_faults = 0, major_faults = 0;
    std::uint64_t memory_peak = 0;  // bytes, largest of the cgroups seen; 0 = not known
    std::uint64_t oom_kills = 0;
    std::vector<VariableRead> variables;  // the newest
    std::uint64_t variables_read = 0;     // all
    std::vector<NameSeen> names;
    std::vector<CountedName> not_decoded;
    std::array<std::uint64_t, kLossKindCount> lost{};
    std::uint64_t folded = 0;  // deeds that are in DeedKind::folded nodes
    std::uint64_t late = 0;    // events that came later than they could be put in order
};

}  // namespace autotune
