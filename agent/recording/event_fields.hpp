// The members of every event, named once: a codec is called with them to write and to read.
//
// codec(whole, member…) checks that no member is missing. A member that is added to core/event.hpp does not
// compile until it is named here, and then the format has a new version (format.hpp).
#pragma once

#include "core/event.hpp"

namespace autotune::recording {

template <class C> void fields(C& c, Endpoint& e) { c(e, e.family, e.port, e.address); }
template <class C> void fields(C& c, CgroupUsage& e) {
    c(e, e.cpu_ns, e.runnable_ns, e.memory_now, e.memory_peak, e.memory_limit);
}
template <class C> void fields(C& c, ProcessStarted& e) { c(e, e.parent_pid, e.command, e.executable, e.parent_thread); }
template <class C> void fields(C& c, ProcessExited& e) { c(e, e.exit_code, e.signal); }
template <class C> void fields(C& c, ExecutorSeen& e) { c(e, e.function, e.version, e.runtime, e.memory_mb, e.kept_warm); }
template <class C> void fields(C& c, ExecutorReady& e) { c(e, e.usage); }
template <class C> void fields(C& c, InvocationStarted& e) {
    c(e, e.id, e.qualifier, e.trace_id, e.function, e.boundary, e.fd, e.time_limit, e.request_bytes, e.usage, e.held,
      e.stands_for);
}
template <class C> void fields(C& c, InvocationEnded& e) {
    c(e, e.id, e.kind, e.response_bytes, e.error_type, e.usage);
}
template <class C> void fields(C& c, InitFailed& e) { c(e, e.error_type); }
template <class C> void fields(C& c, CallDone& e) { c(e, e.function, e.depth, e.how, e.duration, e.bias); }
template <class C> void fields(C& c, IoDone& e) {
    c(e, e.op, e.fd, e.result, e.latency, e.waited, e.path, e.local, e.peer, e.blocking_wait,
      e.trace_context);
}
template <class C> void fields(C& c, OffCpu& e) { c(e, e.duration, e.cause, e.stack); }
template <class C> void fields(C& c, StackSample& e) { c(e, e.stack, e.period, e.truncated, e.of, e.bytes); }
template <class C> void fields(C& c, Fault& e) { c(e, e.address, e.major); }
template <class C> void fields(C& c, MemoryMark& e) { c(e, e.usage); }
template <class C> void fields(C& c, VariableSeen& e) { c(e, e.expression, e.value); }
template <class C> void fields(C& c, Throttled& e) { c(e, e.function); }
template <class C> void fields(C& c, Killed& e) { c(e, e.reason, e.victim_pid, e.memory_peak, e.memory_limit); }
template <class C> void fields(C& c, Lost& e) { c(e, e.kind, e.count); }
template <class C> void fields(C& c, CallTotals& e) {
    c(e, e.function, e.caller, e.calls, e.total, e.self, e.bias, e.spread);
}
template <class C> void fields(C& c, HttpDone& e) {
    c(e, e.side, e.tls, e.status, e.method, e.host, e.path, e.trace_context, e.latency, e.duration,
      e.request_bytes, e.response_bytes, e.local, e.peer);
}
template <class C> void fields(C& c, NameResolved& e) { c(e, e.name, e.address); }
template <class C> void fields(C& c, NotDecoded& e) { c(e, e.what, e.count); }
template <class C> void fields(C& c, SocketTrouble& e) { c(e, e.kind, e.local, e.peer); }
template <class C> void fields(C& c, SyscallDone& e) { c(e, e.number, e.result, e.latency, e.arguments); }
template <class C> void fields(C& c, SyscallTotals& e) {
    c(e, e.number, e.calls, e.failures, e.latency, e.slowest);
}
template <class C> void fields(C& c, ThreadTimes& e) {
    c(e, e.wall, e.on_cpu, e.off_cpu, e.minor_faults, e.major_faults);
}

// One past the last value of each enumeration that an event carries: a reader refuses what is beyond.
template <class E> inline constexpr unsigned kEnd = 0;
template <> inline constexpr unsigned kEnd<bool> = 2;
template <> inline constexpr unsigned kEnd<Backend> = unsigned(Backend::replay) + 1;
template <> inline constexpr unsigned kEnd<AddressFamily> = unsigned(AddressFamily::unix_path) + 1;
template <> inline constexpr unsigned kEnd<Boundary> = unsigned(Boundary::http) + 1;
template <> inline constexpr unsigned kEnd<EndKind> = unsigned(EndKind::error) + 1;
template <> inline constexpr unsigned kEnd<IoOp> = unsigned(IoOp::resize) + 1;
template <> inline constexpr unsigned kEnd<SocketTroubleKind> = unsigned(SocketTroubleKind::reset_received) + 1;
template <> inline constexpr unsigned kEnd<Side> = unsigned(Side::server) + 1;
template <> inline constexpr unsigned kEnd<WaitCause> = unsigned(kWaitCauseCount);
template <> inline constexpr unsigned kEnd<SampleOf> = unsigned(SampleOf::memory) + 1;
template <> inline constexpr unsigned kEnd<KillReason> = unsigned(KillReason::signal) + 1;
template <> inline constexpr unsigned kEnd<CallEnd> = unsigned(CallEnd::cut) + 1;
template <> inline constexpr unsigned kEnd<LossKind> = unsigned(kLossKindCount);
template <> inline constexpr unsigned kEnd<FrameKind> = unsigned(FrameKind::jvm) + 1;

}  // namespace autotune::recording
