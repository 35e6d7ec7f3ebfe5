// Trees, the part about deeds: what each kind of event is as a node, and on whose stack it is put.
#include <algorithm>
#include <cerrno>

#include "analyzer/trace/trees.hpp"

namespace autotune::analysis {

namespace {

// Failures are answers that a caller cannot use; "nothing there yet" is none.
bool failed_io(const IoDone& io) {
    return io.result < 0 && io.result != -EAGAIN && !(io.op == IoOp::connect && io.result == -EINPROGRESS);
}

}  // namespace

void Trees::on(const Event& event, const CallDone& what) {
    ++calls_;
    if (!lingering_.empty()) {  // it encloses what an invocation has: that is the invocation's
        const ProcessId process = canonical(event.process);
        const Timestamp entered = event.at - what.duration - what.bias;
        let_go([&](const Open& open) {
            return open.thread == event.thread && open.process == process && entered < open.start;
        });
    }
    // Python's calls and native ones on the same thread nest by time, not by depth.
    const auto function = static_cast<std::size_t>(what.function);
    const bool native = function < is_native_.size() && is_native_[function];
    const auto group = static_cast<std::uint8_t>(2 * static_cast<unsigned>(event.by) + (native ? 1 : 0));
    const DeedId deed = forest_.intern({.kind = DeedKind::call, .function = what.function});
    const Nanos self = thread(event).stack.call(deed, what, event.at, group, owner_of(event, what.duration));
    functions_.add(event.by, what, self);
}

void Trees::on(const Event& event, const IoDone& what) {
    const bool failed = failed_io(what);
    const bool moves = what.op == IoOp::send || what.op == IoOp::receive || what.op == IoOp::read ||
                       what.op == IoOp::write || what.op == IoOp::map_file;
    const DeedId deed = forest_.intern({.kind = DeedKind::io,
                                        .code = static_cast<std::uint8_t>(what.op),
                                        .text = what.path,
                                        .peer = sums_.peer_of(what)});
    // What was waited for before the call is beneath whoever waited, as a wait.
    const Nanos took = what.latency - what.waited;
    thread(event).stack.leaf(deed,
                             {.count = 1,
                              .failures = failed ? 1u : 0u,
                              .bytes = moves && what.result > 0 ? static_cast<std::uint64_t>(what.result) : 0,
                              .total = took,
                              .slowest = took,
                              .first = event.at - took},
                             event.at, ThreadStack::Takes::waits, owner_of(event, took));
}

void Trees::on(const Event& event, const HttpDone& what) {
    const DeedId deed = forest_.intern({.kind = DeedKind::http,
                                        .code = static_cast<std::uint8_t>(what.side),
                                        .tls = what.tls,
                                        .status = what.status,
                                        .text = what.path,
                                        .host = what.host,
                                        .method = what.method,
                                        .peer = sums_.peer_of(what)});
    thread(event).stack.leaf(deed,
                             {.count = 1,
                              .failures = what.status == 0 || what.status >= 400 ? 1u : 0u,
                              .bytes = what.request_bytes + what.response_bytes,
                              .total = what.duration,
                              .slowest = what.duration,
                              .first = event.at - what.duration},
                             event.at, ThreadStack::Takes::nothing, owner_of(event, what.duration));
}

void Trees::on(const Event& event, const OffCpu& what) {
    const DeedId deed =
        forest_.intern({.kind = DeedKind::wait, .code = static_cast<std::uint8_t>(what.cause)});
    thread(event).stack.leaf(
        deed,
        {.count = 1, .total = what.duration, .slowest = what.duration, .first = event.at - what.duration},
        event.at, ThreadStack::Takes::nothing, owner_of(event, what.duration));
}

void Trees::on(const Event& event, const SyscallDone& what) {
    const DeedId deed = forest_.intern({.kind = DeedKind::syscall, .number = what.number});
    thread(event).stack.leaf(deed,
                             {.count = 1,
                              .failures = what.result < 0 && what.result >= -4095 ? 1u : 0u,
                              .total = what.latency,
                              .slowest = what.latency,
                              .first = event.at - what.latency},
                             event.at, ThreadStack::Takes::nothing, owner_of(event, what.latency));
}

void Trees::on(const Event& event, const Fault& what) {
    const DeedId deed =
        forest_.intern({.kind = DeedKind::fault, .code = what.major ? std::uint8_t{1} : std::uint8_t{0}});
    thread(event).stack.leaf(deed, {.count = 1, .first = event.at}, event.at, ThreadStack::Takes::nothing,
                             owner_of(event, Nanos(0)));
}

void Trees::on(const Event& event, const VariableSeen& what) {
    const DeedId deed =
        forest_.intern({.kind = DeedKind::variable, .text = what.expression, .host = what.value});
    thread(event).stack.leaf(deed, {.count = 1, .first = event.at}, event.at, ThreadStack::Takes::nothing,
                             owner_of(event, Nanos(0)));
}

}  // namespace autotune::analysis
