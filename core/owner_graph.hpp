// OwnerGraph: who called whom, each call by the owners of both ends of its connection, and on whose behalf.
//
// Passive result of the analyzer. A *work* is something that was asked of somebody: an invocation of a function, a
// request that a server served. A *call* is one exchange of a caller with a callee: an HTTP exchange, an invocation
// through Lambda's API, else a turn (a send that follows a receive) on a connection. Times are the analyzer's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "core/service_graph.hpp"
#include "core/time.hpp"

namespace autotune {

inline constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

struct OwnerNode {
    ServiceNode service;
    std::vector<CgroupId> cgroups;      // where its processes were seen; sorted
    std::vector<std::int32_t> pids;     // of them the first hundred; sorted
    std::uint64_t processes = 0;        // all
};

struct OwnerEdge {
    std::size_t from = 0, to = 0;       // indexes into nodes
    std::uint64_t calls = 0;
    std::uint64_t errors = 0;           // of calls: status 500 and above or 429, no answer, refused
    std::uint64_t retries = 0;          // of calls: the same again, on the same behalf, after an error
    std::uint64_t bytes_sent = 0;       // as seen by the caller, on the wire
    std::uint64_t bytes_received = 0;
    Nanos total{0};                     // of all calls
    Nanos p50{0}, p95{0}, p99{0};       // of a call, good to 1 %; slowest is exact
    Nanos slowest{0};
    bool by_path = false;               // the callee was named in the request: through Lambda's API
};

enum class JoinBy : std::uint8_t {
    nothing,    // made on nobody's behalf that was seen
    only,       // one at a time was served there
    thread,     // that served one of them
    trace,      // id of the request
    pattern,    // a JoinResolver said so
    ambiguous,  // could be of any of the candidates
};
[[nodiscard]] std::string_view to_string(JoinBy by);

struct OwnerCall {
    std::size_t from = 0, to = 0;           // indexes into nodes
    Timestamp start, end;
    std::string method, path;               // HTTP; empty for a turn
    std::uint16_t status = 0;               // HTTP; 0: none
    bool error = false, retry = false;
    std::uint64_t bytes_sent = 0, bytes_received = 0;
    ProcessId process;
    ThreadId thread{};
    CgroupId cgroup{};
    std::size_t parent = kNone;             // index into works: on whose behalf
    JoinBy by = JoinBy::nothing;
    double confidence = 0;                  // of `pattern`; 1 for what is certain
    std::vector<std::uint32_t> candidates;  // of an ambiguous one: indexes into works, the first 64
    std::size_t child = kNone;              // index into works: what was asked for
};

struct OwnerWork {
    InvocationId id;
    std::size_t node = 0;
    Timestamp start, end;
    bool open = false;   // its end was not seen; `end` is that of the observation
    bool error = false;
    std::string what;    // "POST /orders", empty for an invocation
    ProcessId process;
    ThreadId thread{};
    CgroupId cgroup{};
    std::size_t asked_by = kNone;  // index into calls
};

struct OwnerGraph {
    Timestamp from, to;             // of what is told
    std::optional<WallTime> wall_to;  // `to` by the wall clock; unset: not known
    std::vector<OwnerNode> nodes;   // by name
    std::vector<OwnerEdge> edges;   // by (from, to)
    std::vector<OwnerWork> works;   // by start
    std::vector<OwnerCall> calls;   // by start
    std::uint64_t calls_not_kept = 0, works_not_kept = 0;  // more than there was room for; edges count them all
    std::uint64_t ambiguous = 0;    // of calls
    std::uint64_t undecided = 0;    // transfers on connections of which it is not known who called whom
    std::uint64_t late = 0, lost = 0;  // events
};

// A guess for one ambiguous call: index into calls, index into works (kNone: nobody's), 0 to 1.
struct JoinGuess {
    std::size_t call = 0, work = kNone;
    double confidence = 0;
};
// What decides ambiguous joins: a method that learns from all calls which follow which (request reconstruction). Asked
// once with the graph and the ambiguous calls' indexes; guesses for some of them are enough.
using JoinResolver = std::function<std::vector<JoinGuess>(const OwnerGraph&, const std::vector<std::size_t>& ambiguous)>;

}  // namespace autotune
