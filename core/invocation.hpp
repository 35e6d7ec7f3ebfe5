// Invocation: everything known about one execution of one function. What the analyzer builds, the
// store keeps and people read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/endpoint.hpp"
#include "core/event.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"

namespace autotune {

enum class InvocationStatus : std::uint8_t { ok, error, timeout, out_of_memory, crash, unknown };
[[nodiscard]] std::string_view to_string(InvocationStatus s);
// Did the caller get what it asked for?
[[nodiscard]] constexpr bool failed(InvocationStatus s) { return s != InvocationStatus::ok; }

// Traffic with one peer (one remote endpoint) during the invocation.
struct PeerIo {
    Endpoint peer;
    std::string name;               // function or process that owns the other end, host name, or ""
    std::uint64_t connects = 0;
    std::uint64_t failures = 0;     // refused, reset, timed out
    std::uint64_t failed_connects = 0;  // of failures: those before a first byte could be sent
    std::uint64_t retransmits = 0;  // segments that TCP sent again
    std::uint64_t resets = 0;       // of connections, by either side
    std::uint64_t calls = 0;        // request/answer turns: a send that follows a receive, or the first
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
    Nanos wait{0};                  // time spent in the system calls
    Nanos slowest{0};               // longest single turn
};

struct FileIo {
    std::string path;
    std::uint64_t opens = 0;
    std::uint64_t bytes_read = 0;
    std::uint64_t bytes_written = 0;
    std::uint64_t syncs = 0;
    std::uint64_t lists = 0;        // reads of a directory
    std::uint64_t changes = 0;      // made, removed, renamed, linked, resized
    std::uint64_t failures = 0;
    Nanos wait{0};
};

// Something that was done in a way nobody looks into ("io_uring", "HTTP/2", …).
struct UndecodedWork {
    std::string what;
    std::uint64_t count = 0;
    bool operator==(const UndecodedWork&) const = default;
};

// A call of another function through the platform's API, made during the invocation.
struct FunctionCall {
    std::string function;        // the callee
    std::string trace_id;        // trace header of the request, else of the answer; "": neither had one
    Nanos start{0};              // from the invocation's start
    Nanos duration{0};           // until its answer was there
    std::uint16_t status = 0;    // HTTP's; 202: only accepted, nobody waits for the callee; 0: no answer
    bool operator==(const FunctionCall&) const = default;
};
inline constexpr std::size_t kMostFunctionCalls = 1'000;  // that an invocation's record holds; further ones are counted

struct Invocation {
    InvocationId id;
    FunctionRef function;
    std::string version;            // executed version
    std::string qualifier;          // what the caller asked for
    std::string trace_id;
    ProcessId process;
    CgroupId cgroup{};
    Backend by{};
    Boundary boundary{};            // how it was found

    Timestamp start;                // the work arrived in the executor
    Timestamp end;                  // response sent, or death
    WallTime wall_start;
    Nanos duration{0};              // end - start
    Nanos time_limit{0};            // 0 = not known
    InvocationStatus status = InvocationStatus::unknown;
    std::string error_type;
    bool held = false;              // for a debugger: its time and its end count nowhere
    bool cold = false;              // first invocation of its sandbox, which was started for it
    bool kept_warm = false;         // its sandbox had been initialised ahead of any call, as it was ordered; not on record
    Nanos init{0};                  // process start to first ready; only when cold

    Nanos cpu{0};                   // running, all threads of the sandbox
    Nanos runnable{0};              // wanted a CPU and had none
    Nanos network_wait{0};          // in socket system calls
    Nanos disk_wait{0};             // in file system calls
    // Where the time of the thread went that speaks for the executor, between the readings at its boundaries:
    // exact, and complete. wall 0: not known.
    ThreadTimes thread;
    std::uint64_t memory_peak = 0;  // bytes; the memory cgroup's watermark during the invocation
    bool memory_peak_is_bound = false;  // the watermark was not reset: an upper bound only
    std::uint64_t memory_limit = 0;
    std::uint32_t memory_mb = 0;    // configured size
    bool usage_is_shared = false;   // several executors in one cgroup, or invocations at once: CPU and memory are the group's

    std::uint64_t request_bytes = 0;
    std::uint64_t response_bytes = 0;
    std::vector<PeerIo> peers;      // runtime API traffic is not among them
    std::vector<FileIo> files;
    std::vector<FunctionCall> calls;  // by end
    std::uint64_t calls_not_kept = 0;  // beyond kMostFunctionCalls
    bool calls_are_known = true;  // false: recorded before calls were, or while they were given up
    std::vector<UndecodedWork> not_decoded;  // as far as it is in none of the above
    std::uint64_t io_ambiguous = 0; // calls meanwhile that were its own or another's, which cannot be told; not in the above
    std::uint64_t samples = 0;      // stack samples that fell into it
    std::uint64_t events_lost = 0;  // machine-wide losses while it ran
    // To keep the budget, of so many that ended well this one was told: sums and rates count it so many times
    // (Horvitz and Thompson, 1952). 1 for each that ended otherwise, for those are all told.
    std::uint32_t stands_for = 1;
};

// Input bucket: invocations of like input size are compared with each other. floor(log2(bytes+1)).
[[nodiscard]] std::uint32_t input_bucket(std::uint64_t request_bytes);

}  // namespace autotune
