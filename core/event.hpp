// Event: one thing that happened on the machine, as every backend tells it.
//
// Sources (eBPF, ptrace, in-process, replay) produce Events, the analyzer consumes them. An event
// says who (process, thread, cgroup), when, and by which backend; what it means for an invocation is
// decided later, by joining. Text is in the StringTable that travels in the same EventBatch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "core/endpoint.hpp"
#include "core/fixed_string.hpp"
#include "core/ids.hpp"
#include "core/tables.hpp"
#include "core/time.hpp"

namespace autotune {

enum class Backend : std::uint8_t { bpf, ptrace, runtime, provider_log, replay };

// What a cgroup had used at one instant. Sums over all its threads since it was first seen, so two
// readings subtract to what happened between them. Memory in bytes; 0 = not known.
struct CgroupUsage {
    std::uint64_t cpu_ns = 0;        // running
    std::uint64_t runnable_ns = 0;   // wanted a CPU and had none: run queue, quota throttling
    std::uint64_t memory_now = 0;    // memory cgroup's usage
    std::uint64_t memory_peak = 0;   // its watermark; only falls when somebody resets it
    std::uint64_t memory_limit = 0;
};

struct ProcessStarted {      // fork, or exec (then `command` is new)
    std::int32_t parent_pid = 0;
    StringId command{};      // comm after exec
    StringId executable{};   // path, where known
    ThreadId parent_thread{};  // that forked it; 0: not known, or an exec
};

struct ProcessExited {
    std::int32_t exit_code = 0;  // 0..255 when it exited
    std::int32_t signal = 0;     // 0 when it was not killed
};

// The process turned out to be a function's executor (a sandbox's runtime process).
struct ExecutorSeen {
    StringId function{};
    StringId version{};          // "$LATEST", "7", empty where the platform has none
    StringId runtime{};          // "python3.11", "provided", … empty when not known
    std::uint32_t memory_mb = 0; // configured size; 0 = not known
    bool kept_warm = false;      // it was initialised ahead of any call (Lambda: provisioned concurrency)
};

// The executor asked for its next invocation (Lambda: GET …/invocation/next was sent).
struct ExecutorReady {
    CgroupUsage usage;
};

// By whose words an invocation was found: of those that are spoken in a sandbox the first of these.
enum class Boundary : std::uint8_t {
    runtime_api,  // Lambda's: the executor asks for work
    openwhisk,    // POST /run is served
    http,         // any request is served
};
[[nodiscard]] std::string_view to_string(Boundary boundary);  // "runtime-api", "openwhisk", "http"

struct InvocationStarted {   // the work arrived in the executor
    InvocationId id;
    StringId qualifier{};            // alias or version it was invoked by, from the ARN
    StringId trace_id{};             // header as it was received, empty where there was none
    StringId function{};             // from the ARN; empty where the protocol does not say
    Boundary boundary{};
    std::int32_t fd = -1;            // connection that it was served on, where the process itself serves
    Nanos time_limit{0};             // deadline less start; 0 = not known
    std::uint64_t request_bytes = 0; // payload
    CgroupUsage usage;
    bool held = false;               // for a debugger: its time says nothing
    std::uint32_t stands_for = 1;    // of so many that end well this one is told (ShedDetail::told_one_in)
};

enum class EndKind : std::uint8_t { response, error };

struct InvocationEnded {     // the executor sent its response or error
    InvocationId id;
    EndKind kind = EndKind::response;
    std::uint64_t response_bytes = 0;
    StringId error_type{};
    CgroupUsage usage;
};

// The executor could not start: POST …/init/error, or it died before it was ready.
struct InitFailed {
    StringId error_type{};
};

enum class IoOp : std::uint8_t {
    connect, accept, send, receive,          // sockets
    open, read, write, sync, close_file,     // files
    map_file,                                // result: bytes mapped; what is read through it shows as faults
    list,                                    // the entries of a directory; result: bytes of them
    make_directory, remove, rename,          // names: `path` is the one that was asked for, the old one of two
    link,                                    // a hard or symbolic link; `path` is the new name
    resize                                   // truncate, allocate
};

struct IoDone {              // one system call; at = its end
    IoOp op{};
    std::int32_t fd = -1;
    std::int64_t result = 0;     // bytes, descriptor or 0; -errno when it failed
    Nanos latency{0};
    Nanos waited{0};             // of the latency: before the call, in poll, select or epoll
    StringId path{};             // files and Unix sockets
    Endpoint local;              // sockets, where known
    Endpoint peer;
    bool blocking_wait = false;  // connect that answered EINPROGRESS is completed later
    StringId trace_context{};    // of the HTTP request that these bytes are of, or answer; empty where not known
};

// A connection in trouble; IoDone tells what the program saw of it, if anything.
enum class SocketTroubleKind : std::uint8_t { retransmit, reset_sent, reset_received };

struct SocketTrouble {
    SocketTroubleKind kind{};
    Endpoint local;
    Endpoint peer;
};

struct NameResolved {        // a DNS answer that was received said: this name has this address
    StringId name{};
    Endpoint address;        // port 0
};

enum class Side : std::uint8_t { client, server };

// One HTTP/1.x exchange, heard on a socket or in the TLS library. at = the answer's last byte that was seen,
// or the connection's end (then status is 0: nobody answered).
struct HttpDone {
    Side side{};
    bool tls = false;
    std::uint16_t status = 0;
    StringId method{};
    StringId host{};              // Host header, empty where there is none
    StringId path{};              // without the query: secrets live there
    StringId trace_context{};     // traceparent or X-Amzn-Trace-Id of the request, empty where there is none
    Nanos latency{0};             // first byte of the request to first byte of the answer
    Nanos duration{0};            // first byte of the request to `at`
    std::uint64_t request_bytes = 0;   // bodies, by Content-Length or as counted; in TLS of plain text, while
                                       // IoDone tells the bytes on the wire
    std::uint64_t response_bytes = 0;
    Endpoint local;
    Endpoint peer;
};

// Something that was done in a way we do not look into; counted, so that nobody believes it did not happen.
struct NotDecoded {
    StringId what{};         // "io_uring", "vmsplice", …
    std::uint64_t count = 0; // since the last such event of this process
};

struct SyscallDone {         // any system call, when each is asked for; at = its end
    std::uint32_t number = 0;     // of the machine's own ABI
    std::int64_t result = 0;      // -errno when it failed
    Nanos latency{0};
    std::array<std::uint64_t, 6> arguments{};
};

struct SyscallTotals {       // of one process and call, since the last such event
    std::uint32_t number = 0;
    std::uint64_t calls = 0;
    std::uint64_t failures = 0;
    Nanos latency{0};             // sum; 0 when only counted
    Nanos slowest{0};
};

enum class WaitCause : std::uint8_t { unknown, network, disk, lock, sleep, child, run_queue };
inline constexpr std::size_t kWaitCauseCount = 7;
[[nodiscard]] std::string_view to_string(WaitCause cause);  // "network", "run_queue", …

struct OffCpu {              // at = end of the wait
    Nanos duration{0};
    WaitCause cause{};
    StackId stack{};
};

// Where one thread's time went, sums since it was first seen: two readings subtract. on_cpu and all of off_cpu
// make up `wall`. Told at the boundaries of invocations (of the thread that speaks for the executor), at a
// thread's exit, and when it is asked for.
struct ThreadTimes {
    Nanos wall{0};
    Nanos on_cpu{0};
    std::array<Nanos, kWaitCauseCount> off_cpu{};  // by WaitCause
    std::uint64_t minor_faults = 0;
    std::uint64_t major_faults = 0;
};

enum class SampleOf : std::uint8_t {
    cpu,      // the thread was running here
    off_cpu,  // it was not, and had left the CPU here; at = the end of that
    memory,   // it was given memory here
};

struct StackSample {
    StackId stack{};
    Nanos period{0};         // what one sample stands for; of off_cpu the interval itself, of memory 0
    bool truncated = false;  // the unwinder did not reach the thread's start
    SampleOf of = SampleOf::cpu;
    std::uint64_t bytes = 0;  // of memory
};

struct Fault {
    std::uint64_t address = 0;
    bool major = false;
};

struct MemoryMark {          // a reading between boundaries
    CgroupUsage usage;
};

enum class KillReason : std::uint8_t { out_of_memory, signal };

struct Killed {
    KillReason reason{};
    std::int32_t victim_pid = 0;
    std::uint64_t memory_peak = 0;   // of the memory cgroup at that instant; 0 = not known
    std::uint64_t memory_limit = 0;
};

struct Throttled {           // the platform refused an invocation (HTTP 429)
    StringId function{};
};

enum class CallEnd : std::uint8_t {
    returned,
    raised,   // an exception left it
    cut,      // longjmp, the thread's end, or the end of the tracing: the duration is what was seen of it
};

struct CallDone {            // one exact call of one function; at = its end
    FrameId function{};
    std::uint32_t depth = 0; // 0: the outermost that was traced
    CallEnd how = CallEnd::returned;
    Nanos duration{0};
    Nanos bias{0};           // what its probes and those of the calls beneath added, already subtracted
};

// Calls of one function from one caller on one thread, since the last such event: exact also where single
// calls were too many to tell. CallDone events are a part of these calls, never in addition to them.
struct CallTotals {
    FrameId function{};
    FrameId caller{};        // the unknown frame: outermost, or the source does not tell callers apart
    std::uint64_t calls = 0;
    Nanos total{0};          // callees included; a recursive call counts in its outermost only
    Nanos self{0};
    Nanos bias{0};           // of one call, already subtracted
    Nanos spread{0};         // the error bar of that: one call's duration is good to ± so much; 0: not measured
};

struct VariableSeen {
    StringId expression{};
    StringId value{};
};

enum class LossKind : std::uint8_t { ring_full, stack_map_full, state_map_full, read_failed, undecodable, shed };
inline constexpr std::size_t kLossKindCount = 6;
[[nodiscard]] std::string_view to_string(LossKind kind);  // "ring_full", …: label values

struct Lost {                // `count` records of that kind never became events
    LossKind kind{};
    std::uint64_t count = 0;
};

using EventBody =
    std::variant<ProcessStarted, ProcessExited, ExecutorSeen, ExecutorReady, InvocationStarted,
                 InvocationEnded, InitFailed, CallDone, IoDone, OffCpu, StackSample, Fault, MemoryMark,
                 VariableSeen, Throttled, Killed, Lost, CallTotals, HttpDone, NameResolved, NotDecoded,
                 SocketTrouble, SyscallDone, SyscallTotals, ThreadTimes>;

struct Event {
    Timestamp at;
    ProcessId process;
    ThreadId thread{};
    CgroupId cgroup{};
    Backend by{};
    EventBody body;
};
static_assert(std::is_trivially_copyable_v<Event>);

// Events in the order of the source, at most a few milliseconds out of time order between CPUs.
// `tables` outlive the events: only `events` is cleared between polls.
struct EventBatch {
    std::vector<Event> events;
    Tables tables;
};

}  // namespace autotune
