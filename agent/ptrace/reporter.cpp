#include "agent/ptrace/reporter.hpp"

#include <linux/sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>

namespace autotune::ptrace {
namespace {

constexpr Nanos kWorthAWait = std::chrono::microseconds(50);  // shorter ones drown in what the stops themselves take
constexpr std::size_t kPathCapacity = AT_PATH_SIZE - 1;

// clone3(struct clone_args*, size): the flags come first.
std::optional<std::uint64_t> hide_untraced_flag(pid_t pid, std::uint64_t arguments) {
    auto flags = read_object<std::uint64_t>(pid, arguments);
    if (!flags || (*flags & CLONE_UNTRACED) == 0) return std::nullopt;
    const std::uint64_t visible = *flags & ~std::uint64_t{CLONE_UNTRACED};
    if (!write_memory(pid, arguments, std::as_bytes(std::span(&visible, 1)))) return std::nullopt;
    return flags;
}

// As at_cause_of() wants it; 0: of no kind.
std::uint16_t mode_of(at_file file) {
    switch (file) {
        case AT_FILE_SOCKET: return S_IFSOCK;
        case AT_FILE_DATA: return S_IFREG;
        case AT_FILE_PIPE: return S_IFIFO;
        default: return 0;
    }
}

}  // namespace

Reporter::Reporter(const Detail& detail, Nanos call_bias, const Tasks& tasks, RecordQueue& queue)
    : wanted_(detail), detail_(detail), call_bias_(call_bias), tasks_(tasks), queue_(queue) {}

void Reporter::focus(const Detail& detail) {
    wanted_ = WantedCalls(detail);
    detail_ = detail;
}

at_header Reporter::header_of(const Process& process, pid_t tid, std::uint32_t kind, std::size_t size,
                              Timestamp now) const {
    at_header header{};
    header.at_ns = static_cast<std::uint64_t>(to_ns(now));
    header.start_ns = process.start_ns;
    header.cgroup = process.scope;
    header.tgid = process.pid;
    header.tid = tid;
    header.kind = kind;
    header.size = static_cast<std::uint32_t>(size);
    return header;
}

Event Reporter::event_of(const Thread& thread, Timestamp now, EventBody body) const {
    const Process& process = *thread.process;
    return {.at = now,
            .process = {process.pid, process.start_ns},
            .thread = ThreadId(thread.tid),
            .cgroup = CgroupId(process.scope),
            .by = Backend::ptrace,
            .body = body};
}

Nanos Reporter::latency_of(const PendingCall& call, Timestamp now) const {
    return std::max(now - call.entered - call_bias_, Nanos(0)) + call.waited;
}

bool Reporter::on_entry(Thread& thread, const CallState& state) {
    if (!thread.process->is_told) return false;
    if (!state.is_native) {
        if (detail_.io) tell_not_decoded(thread, AT_NOT_32_BIT, 1);
        return false;
    }
    const WantedCall* wanted = wanted_.find(state.number);
    if (wanted && wanted->only_if && !passes(*wanted->only_if, state.arguments)) wanted = nullptr;
    if (!wanted && !wanted_.every_call()) return false;
    thread.call = {.wanted = wanted, .number = static_cast<std::uint32_t>(state.number)};
    std::copy_n(state.arguments, 6, thread.call.arguments);
    if (wanted && at_waits(wanted->call)) thread.wait.reset();
    bool wants_exit = wanted_.every_call();
    if (!wanted) return wants_exit;
    switch (wanted->kind) {
        case CallKind::other: break;
        case CallKind::io: wants_exit |= on_io_entry(thread); break;
        case CallKind::execute: {
            const std::uint64_t path = state.arguments[wanted->number == SYS_execveat ? 1 : 0];
            thread.exec_path = read_text(thread.process->pid, path, kPathCapacity).value_or("");
            break;
        }
        case CallKind::clone_flags:
            if (!set_first_argument(thread.tid, state.arguments[0] & ~std::uint64_t{CLONE_UNTRACED}))
                ++read_failures_;
            break;
        case CallKind::clone3:
            thread.call.clone3_flags = hide_untraced_flag(thread.process->pid, state.arguments[0]);
            wants_exit |= thread.call.clone3_flags.has_value();
            break;
        case CallKind::socket_error: {
            const Descriptor* socket = thread.process->descriptors->find(static_cast<int>(state.arguments[0]));
            wants_exit |= socket && socket->connecting;
            break;
        }
        case CallKind::wait: break;
    }
    return wants_exit || wanted->is_wait;
}

void Reporter::on_exit(Thread& thread, std::int64_t result, Timestamp now) {
    account(thread, result, now);
    const PendingCall& call = thread.call;
    if (call.clone3_flags)
        (void)write_memory(thread.process->pid, call.arguments[0], std::as_bytes(std::span(&*call.clone3_flags, 1)));
    if (!call.wanted) return;
    if (at_waits(call.wanted->call)) return on_wait(thread, result, now);
    if (call.wanted->kind == CallKind::socket_error) on_socket_error(thread, result, now);
    if (call.is_io) on_io_exit(thread, result, now);
}

WaitCause Reporter::cause_of(const PendingCall& call) {
    if (!call.wanted) return WaitCause::unknown;
    switch (at_cause_of(call.wanted->wait, call.arguments[0], call.arguments[1], mode_of(call.file))) {
        case AT_CAUSE_NETWORK: return WaitCause::network;
        case AT_CAUSE_DISK: return WaitCause::disk;
        case AT_CAUSE_LOCK: return WaitCause::lock;
        case AT_CAUSE_SLEEP: return WaitCause::sleep;
        case AT_CAUSE_CHILD: return WaitCause::child;
        default: return WaitCause::unknown;
    }
}

// What every call that was seen to its end counts for, whatever else it is.
void Reporter::account(Thread& thread, std::int64_t result, Timestamp now) {
    const PendingCall& call = thread.call;
    const Nanos latency = std::max(now - call.entered - call_bias_, Nanos(0));
    const WaitCause cause = cause_of(call);
    thread.in_calls[static_cast<std::size_t>(cause)] += latency;
    const bool may_wait = cause != WaitCause::unknown || (call.wanted && call.wanted->is_wait);
    if (detail_.waits && may_wait && latency >= kWorthAWait)
        queue_.push(event_of(thread, now, OffCpu{.duration = latency, .cause = cause}));
    if (detail_.syscalls == SyscallDetail::each) {
        SyscallDone done{.number = call.number, .result = result, .latency = latency};
        std::copy_n(call.arguments, 6, done.arguments.begin());
        queue_.push(event_of(thread, now, done));
    } else if (detail_.syscalls == SyscallDetail::counted) {
        SyscallTotals& totals = thread.process->totals[call.number];
        totals.number = call.number;
        ++totals.calls;
        totals.failures += result < 0 && result >= -4095;
        totals.latency += latency;
        totals.slowest = std::max(totals.slowest, latency);
    }
}

}  // namespace autotune::ptrace
