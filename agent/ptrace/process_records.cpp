// Reporter, the part about processes and threads: their beginning, their end, and where their time went.
#include <algorithm>
#include <cstring>

#include "agent/ptrace/proc_files.hpp"
#include "agent/ptrace/reporter.hpp"
#include "os/file.hpp"

namespace autotune::ptrace {
namespace {

template <std::size_t N>
void copy_text(char (&field)[N], std::string_view text) {
    std::memcpy(field, text.data(), std::min(text.size(), N - 1));
}

std::string command_of(pid_t pid) {
    std::string name = read_file("/proc/" + std::to_string(pid) + "/comm").value_or("");
    if (!name.empty() && name.back() == '\n') name.pop_back();
    return name;
}

}  // namespace

void Reporter::process_existed(Process& process, Timestamp now) {
    process.is_told = true;
    at_existing_record record{};
    record.header = header_of(process, process.pid, AT_EXISTING, sizeof record, now);
    record.parent = process.parent;
    record.watched = 1;
    copy_text(record.comm, command_of(process.pid));
    queue_.push(record);
}

void Reporter::process_forked(Process& process, Timestamp now) {
    process.is_told = true;
    at_fork_record record{};
    record.header = header_of(process, process.pid, AT_FORK, sizeof record, now);
    record.parent = process.parent;
    copy_text(record.comm, command_of(process.pid));
    queue_.push(record);
}

void Reporter::program_began(Thread& leader, Timestamp now) {
    Process& process = *leader.process;
    process.is_told = true;
    process.descriptors = std::make_shared<Descriptors>();  // which ones were close-on-exec is asked again
    at_exec_record record{};
    record.header = header_of(process, process.pid, AT_EXEC, sizeof record, now);
    record.parent = process.parent;
    copy_text(record.comm, command_of(process.pid));
    copy_text(record.path, leader.exec_path.empty() ? link_of(process.pid, "exe") : leader.exec_path);
    const std::string environment =
        read_file("/proc/" + std::to_string(process.pid) + "/environ").value_or("");
    record.environment_full = environment.size();
    record.environment_size = static_cast<std::uint32_t>(std::min(environment.size(), sizeof record.environment));
    std::memcpy(record.environment, environment.data(), record.environment_size);
    queue_.push(record);
    leader.exec_path.clear();
}

// on_cpu and the causes make up `wall`: what is not known to be one of them is `unknown`, also the time in our own
// stops. In a call a thread may run, too: where the sum is more than there was, all are taken for less.
void Reporter::tell_times(const Thread& thread, const ThreadSums& sums, Timestamp now) {
    auto in_calls = thread.in_calls;
    if (thread.wants_exit) in_calls[static_cast<std::size_t>(cause_of(thread.call))] += now - thread.call.entered;
    ThreadTimes times{.wall = now - thread.first_seen,
                      .on_cpu = sums.on_cpu - thread.before.on_cpu,
                      .minor_faults = sums.minor_faults - thread.before.minor_faults,
                      .major_faults = sums.major_faults - thread.before.major_faults};
    times.wall = std::max(times.wall, times.on_cpu);
    Nanos left = times.wall - times.on_cpu;
    const auto share = [&](WaitCause cause) -> Nanos& { return times.off_cpu[static_cast<std::size_t>(cause)]; };
    share(WaitCause::run_queue) = std::min(sums.run_queue - thread.before.run_queue, left);
    left -= share(WaitCause::run_queue);
    Nanos sum{0};
    for (std::size_t cause = 1; cause < kWaitCauseCount; ++cause) sum += in_calls[cause];
    const double scale = sum > left ? static_cast<double>(left.count()) / static_cast<double>(sum.count()) : 1;
    for (std::size_t cause = 1; cause < kWaitCauseCount; ++cause) {
        const Nanos told(static_cast<std::int64_t>(static_cast<double>(in_calls[cause].count()) * scale));
        times.off_cpu[cause] += told;
        left -= told;
    }
    share(WaitCause::unknown) = left;
    queue_.push(event_of(thread, now, times));
}

void Reporter::thread_leaves(Thread& thread, Timestamp now) {
    if (!thread.process->is_told) return;
    const ThreadSums sums = thread_sums(thread.process->pid, thread.tid);
    tell_times(thread, sums, now);
    usage_.thread_gone(thread, sums);
    thread.before.run_queue = sums.run_queue;  // it is in its scope's sums now
}

void Reporter::process_leaves(Process& process) {
    process.cpu_at_end = cpu_time_of(process.pid);
    process.usage_at_end = usage_.read(process.scope, tasks_);
}

void Reporter::process_ended(Process& process, int status, Timestamp now) {
    if (std::exchange(process.has_ended, true) || !process.is_told) return;
    tell_totals(process, now);
    usage_.process_gone(process);
    at_exit_record record{};
    record.header = header_of(process, process.pid, AT_EXIT, sizeof record, now);
    record.status = status;
    record.usage = process.usage_at_end;
    queue_.push(record);
    if ((status & 0x7f) != 0) queue_.wake();
}

void Reporter::tell_open(const Thread& thread, Timestamp now) {
    if (thread.process->is_told) tell_times(thread, thread_sums(thread.process->pid, thread.tid), now);
}

void Reporter::tell_totals(Process& process, Timestamp now) {
    for (const auto& [number, totals] : std::exchange(process.totals, {}))
        queue_.push(Event{.at = now,
                          .process = {process.pid, process.start_ns},
                          .thread = ThreadId(process.pid),
                          .cgroup = CgroupId(process.scope),
                          .by = Backend::ptrace,
                          .body = totals});
}

}  // namespace autotune::ptrace
