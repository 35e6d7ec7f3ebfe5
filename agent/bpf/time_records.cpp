// RecordDecoder, the part about where threads' time went: their waits, their system calls.
#include <algorithm>
#include <array>

#include "agent/bpf/record_decoder.hpp"

namespace autotune {
namespace {

constexpr std::array kCauses{WaitCause::unknown, WaitCause::network, WaitCause::disk, WaitCause::lock,
                             WaitCause::sleep,   WaitCause::child,   WaitCause::run_queue};
static_assert(kCauses.size() == kWaitCauseCount && AT_CAUSE_RUN_QUEUE == 6);

// Of garbage too much is cut: sums of them must not overflow.
Nanos to_nanos(std::uint64_t ns) {
    return Nanos(static_cast<std::int64_t>(std::min(ns, std::uint64_t{1} << 58)));
}

WaitCause to_cause(std::uint32_t cause) {
    return cause < kCauses.size() ? kCauses[cause] : WaitCause::unknown;
}

}  // namespace

void RecordDecoder::on_thread_times(const at_thread_times_record& r, EventBatch& batch) {
    ThreadTimes times{.wall = to_nanos(r.times.wall_ns),
                      .on_cpu = to_nanos(r.times.on_cpu_ns),
                      .off_cpu = {},
                      .minor_faults = r.minor_faults,
                      .major_faults = r.major_faults};
    for (std::uint32_t cause = 0; cause < kCauses.size(); ++cause)
        times.off_cpu[static_cast<std::size_t>(kCauses[cause])] = to_nanos(r.times.off_ns[cause]);
    batch.events.push_back(make_event(r.header, times));
}

// First it slept, then it was in the queue for a CPU: two waits.
void RecordDecoder::on_off_cpu(const at_off_cpu_record& r, EventBatch& batch) {
    const Nanos blocked = to_nanos(r.blocked_ns);
    const Nanos runnable = to_nanos(r.runnable_ns);
    if (blocked > Nanos(0)) {
        Event slept = make_event(r.header, OffCpu{.duration = blocked, .cause = to_cause(r.cause)});
        slept.at = std::max(slept.at - runnable, Timestamp{});
        batch.events.push_back(slept);
    }
    if (runnable > Nanos(0))
        batch.events.push_back(make_event(r.header, OffCpu{.duration = runnable, .cause = WaitCause::run_queue}));
}

void RecordDecoder::on_syscall(const at_syscall_record& r, EventBatch& batch) {
    SyscallDone done{.number = r.number,
                     .result = as_program_sees(r.result),
                     .latency = to_nanos(r.latency_ns)};
    std::copy(std::begin(r.arguments), std::end(r.arguments), done.arguments.begin());
    batch.events.push_back(make_event(r.header, done));
}

}  // namespace autotune
