// EventScript: a sequence of events told the way one would tell it, for tests of the analyzer.
//
//     EventScript s;
//     const Box orders = s.sandbox(7, 100, "orders");
//     s.at(0ms).born(orders).at(80ms).ready(orders);
//     s.at(100ms).start(orders, "one").at(110ms).send(orders, 5, 300, kDatabase).at(150ms).end(orders,
//     "one"); const auto invocations = s.play();
//
// Times are since boot; every call adds one event at the current time.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analyzer/analyzer.hpp"
#include "analyzer/stack_writer.hpp"
#include "core/event.hpp"

namespace autotune::testing {

using namespace std::chrono_literals;

inline constexpr std::uint64_t kMiB = 1 << 20;
inline const WallTime kBoot{std::chrono::seconds(1'700'000'000)};  // wall time of Timestamp 0

// A process in a cgroup, and what it says it is.
struct Box {
    CgroupId cgroup{};
    ProcessId process;
    std::string function;
    std::string version = "1";
    std::uint32_t memory_mb = 128;
    bool kept_warm = false;
};

struct StartWith {
    Nanos limit{0};
    std::string trace;
    CgroupUsage usage{};
    std::uint64_t bytes = 10;
    bool held = false;
    std::uint32_t stands_for = 1;
};

class EventScript {
public:
    EventBatch batch;

    // Only names it; born() and seen() tell the analyzer.
    static Box sandbox(std::uint64_t cgroup, std::int32_t pid, std::string function) {
        return {CgroupId(cgroup), {pid, start_of(pid)}, std::move(function)};
    }
    static Box child(const Box& parent, std::int32_t pid) {
        Box made = parent;
        made.process = {pid, start_of(pid)};
        return made;
    }

    EventScript& at(Nanos t) { return now_ = Timestamp(t), *this; }
    EventScript& add(const Box& who, EventBody body) {
        batch.events.push_back(
            {now_, who.process, thread_.value_or(ThreadId(who.process.pid)), who.cgroup, Backend::replay, body});
        return *this;
    }
    // What follows is this thread's doing; without it the main thread's.
    EventScript& on(std::int32_t thread) { return thread_ = ThreadId(thread), *this; }

    // Processes.
    EventScript& process(const Box& who, std::int32_t parent, std::string_view command) {
        return add(who, ProcessStarted{parent, text(command), {}});
    }
    EventScript& seen(const Box& who) {
        return add(who, ExecutorSeen{text(who.function), text(who.version), {}, who.memory_mb, who.kept_warm});
    }
    EventScript& born(const Box& who) { return process(who, 1, "python3").seen(who); }
    EventScript& exit(const Box& who, std::int32_t code) { return add(who, ProcessExited{code, 0}); }
    EventScript& killed(const Box& who, std::int32_t signal) { return add(who, ProcessExited{0, signal}); }
    EventScript& oom(const Box& who, std::int32_t victim, std::uint64_t peak = 128 * kMiB) {
        return add(who, Killed{KillReason::out_of_memory, victim, peak, 128 * kMiB});
    }

    // Invocations.
    EventScript& ready(const Box& who) { return add(who, ExecutorReady{}); }
    EventScript& start(const Box& who, std::string_view id, const StartWith& with = {}) {
        return add(who, InvocationStarted{.id = id,
                                          .trace_id = text(with.trace),
                                          .time_limit = with.limit,
                                          .request_bytes = with.bytes,
                                          .usage = with.usage,
                                          .held = with.held,
                                          .stands_for = with.stands_for});
    }
    EventScript& end(const Box& who, std::string_view id, const CgroupUsage& usage = {}) {
        return add(who, InvocationEnded{.id = id, .response_bytes = 20, .usage = usage});
    }
    EventScript& error(const Box& who, std::string_view id, std::string_view type) {
        return add(who, InvocationEnded{.id = id, .kind = EndKind::error, .error_type = text(type)});
    }
    // A request that a server got on `fd`.
    EventScript& serve(const Box& who, std::string_view id, std::int32_t fd, std::string_view trace = {},
                       Boundary boundary = Boundary::http) {
        return add(who, InvocationStarted{.id = id,
                                          .trace_id = text(trace),
                                          .function = text("GET /"),
                                          .boundary = boundary,
                                          .fd = fd});
    }
    EventScript& fork(const Box& child, const Box& parent, std::int32_t thread) {
        return add(child, ProcessStarted{.parent_pid = parent.process.pid, .parent_thread = ThreadId(thread)});
    }
    EventScript& mark(const Box& who, const CgroupUsage& usage) { return add(who, MemoryMark{usage}); }
    EventScript& lost(std::uint64_t count) { return add({}, Lost{LossKind::ring_full, count}); }

    // I/O. Each call takes 1 ms unless `took` says otherwise.
    EventScript& io(const Box& who, IoDone what) { return add(who, what); }
    EventScript& connect(const Box& who, std::int32_t fd, const Endpoint& local, const Endpoint& peer,
                         std::int64_t result = 0) {
        return io(
            who,
            {.op = IoOp::connect, .fd = fd, .result = result, .latency = 1ms, .local = local, .peer = peer});
    }
    EventScript& accept(const Box& who, std::int32_t fd, const Endpoint& local, const Endpoint& peer) {
        return io(who,
                  {.op = IoOp::accept, .fd = 3, .result = fd, .latency = 1ms, .local = local, .peer = peer});
    }
    EventScript& send(const Box& who, std::int32_t fd, std::int64_t bytes, const Endpoint& peer,
                      Nanos took = 1ms) {
        return io(who, {.op = IoOp::send, .fd = fd, .result = bytes, .latency = took, .peer = peer});
    }
    EventScript& receive(const Box& who, std::int32_t fd, std::int64_t bytes, const Endpoint& peer,
                         Nanos took = 1ms) {
        return io(who, {.op = IoOp::receive, .fd = fd, .result = bytes, .latency = took, .peer = peer});
    }
    // An exchange with Lambda's API or another server, seen by the client, that ends now.
    EventScript& asks(const Box& who, std::string_view path, Nanos took, std::uint16_t status = 200, std::string_view trace = {}) {
        return add(who, HttpDone{.side = Side::client, .status = status, .method = text("POST"), .path = text(path),
                                 .trace_context = text(trace), .duration = took});
    }
    EventScript& close(const Box& who, std::int32_t fd) {
        return io(who, {.op = IoOp::close_file, .fd = fd});
    }
    EventScript& file(const Box& who, IoOp op, std::string_view path, std::int64_t result) {
        return io(who, {.op = op, .fd = 9, .result = result, .latency = 1ms, .path = text(path)});
    }

    // Stacks: root first.
    EventScript& sample(const Box& who, const std::vector<std::string>& root_first,
                        StackEnd end = StackEnd::thread_start) {
        return add(who, StackSample{stack(root_first), 10ms, end == StackEnd::cut});
    }
    // An interval off the CPU that ends now.
    EventScript& wait(const Box& who, const std::vector<std::string>& root_first, Nanos took) {
        return add(who, StackSample{.stack = stack(root_first), .period = took, .of = SampleOf::off_cpu});
    }
    EventScript& takes(const Box& who, const std::vector<std::string>& root_first, std::uint64_t bytes) {
        return add(who, StackSample{.stack = stack(root_first), .of = SampleOf::memory, .bytes = bytes});
    }
    StackId stack(const std::vector<std::string>& root_first) {
        std::vector<FrameId> leaf_first;
        for (auto name = root_first.rbegin(); name != root_first.rend(); ++name)
            leaf_first.push_back(batch.tables.frames.intern({.name = text(*name)}));
        return batch.tables.stacks.intern(leaf_first);
    }

    StringId text(std::string_view s) { return batch.tables.strings.intern(s); }
    [[nodiscard]] Instant now() const { return {now_, kBoot + now_.time_since_epoch()}; }

    // Everything in one batch, to the end.
    void feed(Analyzer& analyzer) {
        analyzer.finish(batch, now());
        batch.events.clear();
    }
    // As a running agent does: at the current time, held back events stay so.
    void poll(Analyzer& analyzer) {
        analyzer.ingest(batch, now());
        batch.events.clear();
    }
    std::vector<Invocation> play() {
        Analyzer analyzer;
        feed(analyzer);
        return analyzer.take_finished();
    }

private:
    // By the boot clock, which may be ahead of ours: whatever is told is told at its birth.
    static std::uint64_t start_of(std::int32_t pid) {
        return static_cast<std::uint64_t>(pid) * 1'000'000'000'000;
    }

    Timestamp now_{};
    std::optional<ThreadId> thread_;
};

inline const Endpoint kDatabase = ipv4_endpoint(10, 0, 0, 9, 5432);
inline const Endpoint kCache = ipv4_endpoint(10, 0, 0, 8, 6379);

}  // namespace autotune::testing
