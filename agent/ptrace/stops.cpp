// Tracer, the part that handles one stop or end of one task. ptrace(2), "Stopped tracees".
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/ptrace/proc_files.hpp"
#include "agent/ptrace/tracer.hpp"
#include "os/file.hpp"

namespace autotune::ptrace {
namespace {

constexpr int kCallStop = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD

bool is_stopping(int signal) {
    return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

// Do both processes have one table of descriptors? Where kcmp(2) is missing: no, as nearly always.
bool share_descriptors(pid_t a, pid_t b) {
    constexpr int kFiles = 2;  // KCMP_FILES
    return syscall(SYS_kcmp, a, b, kFiles, 0, 0) == 0;
}

}  // namespace

void Tracer::handle(pid_t tid, int status) {
    const Timestamp now = clock_.now();
    if (!WIFSTOPPED(status)) return on_gone(tid, status, now);
    stops_.fetch_add(1, std::memory_order_relaxed);
    on_stop(tid, status, now);
}

void Tracer::on_stop(pid_t tid, int status, Timestamp now) {
    const int signal = WSTOPSIG(status);
    const int event = status >> 16;
    Thread* thread = event == PTRACE_EVENT_EXEC ? on_exec(tid, now) : tasks_.thread(tid);
    if (!thread) thread = adopt(tid, now);
    const bool delivers = event == 0 && signal != kCallStop;
    if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) on_new_task(tid, now);
    if (is_leaving_) {
        ::ptrace(PTRACE_DETACH, tid, nullptr, delivers ? signal : 0);
        return tasks_.remove(tid);
    }
    if (!thread) return resume(tid, is_filtered_ ? Resume::run : Resume::to_next_stop, delivers ? signal : 0);
    if (delivers) return go_on(*thread, signal);
    switch (event) {
        case 0:
        case PTRACE_EVENT_SECCOMP: return on_call(*thread, now);
        case PTRACE_EVENT_STOP: return on_group_stop(*thread, signal);
        case PTRACE_EVENT_EXIT: on_leaving(*thread, now); break;
        default: break;
    }
    go_on(*thread);
}

void Tracer::go_on(const Thread& thread, int signal) const {
    const bool sees_end = !is_filtered_ || thread.wants_exit;
    resume(thread.tid, sees_end ? Resume::to_next_stop : Resume::run, signal);
}

void Tracer::on_call(Thread& thread, Timestamp now) {
    if (is_quiet_ || !thread.process->is_told) {
        thread.wants_exit = false;
        return go_on(thread);
    }
    const auto state = call_state(thread.tid);
    if (!state) return;  // killed
    if (state->stop == CallStop::exit) {
        if (std::exchange(thread.wants_exit, false)) reporter_->on_exit(thread, state->result, now);
    } else if (state->stop == CallStop::entry) {
        thread.wants_exit = reporter_->on_entry(thread, *state);
        thread.call.entered = clock_.now();
    }
    go_on(thread);
}

void Tracer::on_group_stop(Thread& thread, int signal) {
    if (is_stopping(signal)) return resume(thread.tid, Resume::listen);
    go_on(thread);
}

void Tracer::on_new_task(pid_t tid, Timestamp now) {
    const auto child = event_message(tid);
    if (child && !tasks_.thread(static_cast<pid_t>(*child))) adopt(static_cast<pid_t>(*child), now);
}

// The other threads have gone, perhaps without a word, and the one that made the call has the process's number now.
Thread* Tracer::on_exec(pid_t pid, Timestamp now) {
    const auto former = event_message(pid);
    tasks_.keep_only(former ? static_cast<pid_t>(*former) : pid, pid);
    Thread* leader = tasks_.thread(pid);
    if (!leader) leader = adopt(pid, now);
    if (leader && !is_quiet_) reporter_->program_began(*leader, now);
    return leader;
}

void Tracer::on_leaving(Thread& thread, Timestamp now) {
    if (is_quiet_) return;
    reporter_->thread_leaves(thread, now);
    Process& process = *thread.process;
    if (++process.leaving >= process.threads) reporter_->process_leaves(process);
}

void Tracer::on_gone(pid_t tid, int status, Timestamp now) {
    const auto process = tasks_.process(tid);  // the leader is told last
    if (tid == launched_pid_) {
        const std::lock_guard lock(status_mutex_);
        exit_status_ = WIFSIGNALED(status) ? ExitStatus{.signal = WTERMSIG(status)}
                                           : ExitStatus{.code = WEXITSTATUS(status)};
    }
    tasks_.remove(tid);
    if (!process) return;
    if (!is_quiet_) reporter_->process_ended(*process, status, now);
    tasks_.remove_process(tid);
}

std::shared_ptr<Process> Tracer::process_for(pid_t pid, Timestamp now) {
    if (auto known = tasks_.process(pid)) return known;
    auto process = std::make_shared<Process>();
    process->pid = pid;
    if (const auto text = read_file("/proc/" + std::to_string(pid) + "/stat")) {
        if (const auto stat = parse_stat(*text)) {
            process->parent = stat->parent;
            process->start_ns = start_ns_of(*stat);
        }
    }
    if (auto pidfd = open_pidfd(pid)) process->pidfd = *std::move(pidfd);
    const auto parent = tasks_.process(process->parent);
    const pid_t root = launched_pid_ != 0 ? launched_pid_.load() : pid;
    process->scope = parent ? parent->scope : AT_TREE + static_cast<std::uint64_t>(root);
    if (!has_begun_) {
        process->cpu_before = cpu_time_of(pid);
        if (!is_filtered_) reporter_->process_existed(*process, now);
        return process;
    }
    if (parent)
        process->descriptors = share_descriptors(pid, parent->pid)
                                   ? parent->descriptors
                                   : std::make_shared<Descriptors>(parent->descriptors->for_child());
    reporter_->process_forked(*process, now);
    return process;
}

// Null: it has gone already.
Thread* Tracer::adopt(pid_t tid, Timestamp now) {
    const pid_t pid = process_of(tid);
    if (pid == 0) return nullptr;
    Thread thread;
    thread.tid = tid;
    thread.process = process_for(pid, now);
    thread.first_seen = now;
    if (!has_begun_) thread.before = thread_sums(pid, tid);
    return &tasks_.add(std::move(thread));
}

}  // namespace autotune::ptrace
