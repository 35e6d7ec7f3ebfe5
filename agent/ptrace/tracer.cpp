#include "agent/ptrace/tracer.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "agent/ptrace/proc_files.hpp"
#include "agent/ptrace/trace_filter.hpp"

namespace autotune::ptrace {
namespace {

constexpr std::size_t kFewThreads = 2;  // more, and some could always be overtaken: then all that wait are taken first

// Interrupts wait(2) in the tracing thread. Its handler does nothing and stays.
int wake_signal() { return SIGRTMIN + 6; }

void prepare_wake_signal() {
    struct sigaction action {};
    action.sa_handler = [](int) {};  // and no SA_RESTART
    sigaction(wake_signal(), &action, nullptr);
}

// Signals for the process are for its other threads. But each stop sends a SIGCHLD, and one that is blocked here is
// not dropped for want of a handler: it would wake another thread, each time.
void block_other_signals() {
    sigset_t others;
    sigfillset(&others);
    sigdelset(&others, wake_signal());
    sigdelset(&others, SIGCHLD);
    pthread_sigmask(SIG_SETMASK, &others, nullptr);
}

}  // namespace

Status Tracer::start() {
    prepare_wake_signal();
    std::promise<Status> began;
    auto outcome = began.get_future();
    thread_ = std::thread([this, began = std::move(began)]() mutable { run(std::move(began)); });
    Status status = outcome.get();
    if (!status) thread_.join();
    return status;
}

void Tracer::run(std::promise<Status> began) {
    block_other_signals();
    const Status status = begin();
    const bool is_tracing = status.has_value();
    began.set_value(status);
    while (is_tracing && wait_once()) {
    }
    {
        const std::lock_guard lock(mutex_);
        has_ended_ = true;
        posted_.clear();
    }
    posted_done_.notify_all();
    queue_.end();
}

Status Tracer::begin() {
    call_bias_ = measure_call_bias();
    reporter_.emplace(options_.detail, call_bias_, tasks_, queue_);
    is_filtered_ = !options_.command.empty();
    if (!is_filtered_) return attach_all();
    auto launched = launch(options_.command, options_.environment, trace_filter(reporter_->wanted()));
    if (!launched) return launched.forward();
    launched_pid_ = launched->pid;
    launched_pidfd_ = std::move(launched->pidfd);
    adopt(launched->pid, clock_.now());
    has_begun_ = true;
    return await_exec(std::move(launched->trouble));
}

// The program has begun when its exec has; or it never will.
Status Tracer::await_exec(Fd trouble) {
    while (Thread* thread = tasks_.thread(launched_pid_)) {
        if (thread->process->is_told) return ok();
        if (!wait_once()) break;
    }
    int error = 0;
    if (read(trouble.get(), &error, sizeof error) != sizeof error)
        return fail(Errc::unavailable, options_.command[0] + ": it ended before it began");
    return fail(error == ENOENT || error == ENOTDIR ? Errc::not_found : Errc::permission_denied,
                options_.command[0] + ": " + std::strerror(error));
}

Status Tracer::attach_all() {
    for (const pid_t pid : options_.processes) {
        Status attached = attach(pid);
        for (const pid_t child : attached ? descendants_of(pid) : std::vector<pid_t>{})
            (void)attach(child);  // of another user, or gone: its parent is traced all the same
        if (attached) continue;
        let_go();
        while (wait_once()) {
        }
        return attached;
    }
    has_begun_ = true;
    return ok();
}

// Threads may be born while we look: those of traced ones are traced from birth, and we look until all are.
Status Tracer::attach(pid_t pid) {
    if (pid == getpid()) return fail(Errc::invalid_argument, "a process cannot trace itself");
    if (const pid_t group = process_of(pid); group != 0 && group != pid)
        return fail(Errc::invalid_argument,
                    std::to_string(pid) + " is a thread of process " + std::to_string(group));
    for (bool found_new = true; found_new;) {
        found_new = false;
        for (const pid_t tid : threads_of(pid)) {
            if (tasks_.thread(tid)) continue;
            if (const Status seized = seize(tid); !seized) {
                if (tid == pid) return seized;
                continue;  // it ended between the two, or was born traced
            }
            found_new = adopt(tid, clock_.now()) != nullptr || found_new;
            ::ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr);
        }
    }
    if (!tasks_.thread(pid)) return fail(Errc::not_found, "there is no process " + std::to_string(pid));
    return ok();
}

bool Tracer::wait_once() {
    do_posted();
    if (is_leaving_ && tasks_.empty()) return false;
    int status = 0;
    const pid_t first = waitpid(-1, &status, __WALL | __WNOTHREAD);
    if (first < 0) return errno == EINTR;
    if (tasks_.threads().size() <= kFewThreads) {
        handle(first, status);
    } else {
        std::vector<std::pair<pid_t, int>> waiting{{first, status}};
        for (pid_t next = 0; (next = waitpid(-1, &status, __WALL | __WNOTHREAD | WNOHANG)) > 0;)
            waiting.emplace_back(next, status);
        for (const auto& [tid, its_status] : waiting) handle(tid, its_status);
    }
    if (reporter_) read_failures_ += reporter_->take_read_failures();
    return true;
}

void Tracer::do_posted() {
    std::vector<std::function<void()>> work;
    {
        const std::lock_guard lock(mutex_);
        work.swap(posted_);
    }
    if (work.empty()) return;
    for (const auto& one : work) one();
    posted_done_.notify_all();
}

bool Tracer::post(std::function<void()> work) {
    bool is_done = false;
    std::unique_lock lock(mutex_);
    if (has_ended_ || !thread_.joinable()) return false;
    posted_.emplace_back([this, &is_done, work = std::move(work)] {
        work();
        const std::lock_guard done(mutex_);
        is_done = true;
    });
    // A signal that comes just before it waits is lost, hence again and again.
    while (!is_done && !has_ended_) {
        pthread_kill(thread_.native_handle(), wake_signal());
        posted_done_.wait_for(lock, std::chrono::milliseconds(5));
    }
    return is_done;
}

void Tracer::focus(const Detail& detail) {
    post([this, &detail] { reporter_->focus(detail); });
}

void Tracer::let_go() {
    is_leaving_ = true;
    for (const auto& [tid, thread] : tasks_.threads()) ::ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr);
}

void Tracer::finish() {
    post([this] {
        if (is_quiet_) return;
        const Timestamp now = clock_.now();
        for (const auto& [tid, thread] : tasks_.threads()) reporter_->tell_open(thread, now);
        for (const auto& [pid, process] : tasks_.processes()) reporter_->tell_totals(*process, now);
        is_quiet_ = true;
        if (!is_filtered_) let_go();
    });
    if (!is_filtered_ && thread_.joinable()) thread_.join();
}

void Tracer::stop() {
    if (!thread_.joinable()) return;
    post([this] {
        if (std::exchange(is_quiet_, true)) return;
        if (!is_filtered_) let_go();
    });
    thread_.join();
}

std::optional<ExitStatus> Tracer::exit_status() const {
    const std::lock_guard lock(status_mutex_);
    return exit_status_;
}

Status Tracer::signal_launched(int signal) const { return send_signal(launched_pidfd_, signal); }

}  // namespace autotune::ptrace
