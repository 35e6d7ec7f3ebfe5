// Tracer: the thread that the kernel tells stops to, and that lets tasks go on.
//
// All ptrace calls are its own, as the kernel wants it; others ask it by post(). Signals of the traced program are
// delivered as they came, job control works, and a task that dies at any moment is only noted.
//
// A launched program has a filter that stays: it is never left without a tracer, and so stop() waits for it to end.
// Attached ones are let go, in whatever they were doing.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/ptrace/launch.hpp"
#include "agent/ptrace/record_queue.hpp"
#include "agent/ptrace/reporter.hpp"
#include "agent/ptrace/tasks.hpp"
#include "core/event_source.hpp"
#include "os/pidfd.hpp"

namespace autotune::ptrace {

struct TracerOptions {
    std::vector<std::string> command;      // to launch; empty: attach
    std::vector<std::string> environment;  // of the command: NAME=value, all of it
    std::vector<pid_t> processes;          // to attach to, with what they have started
    Detail detail;
};

class Tracer {
public:
    Tracer(TracerOptions options, RecordQueue& queue) : options_(std::move(options)), queue_(queue) {}
    ~Tracer() { stop(); }
    Tracer(const Tracer&) = delete;
    Tracer& operator=(const Tracer&) = delete;

    // Returns once the program has begun, or all threads are attached.
    [[nodiscard]] Status start();
    void focus(const Detail& detail);
    // Tells what is known of those that go on, and no more of them after that.
    void finish();
    void stop();

    // Of the launched program. Thread-safe.
    [[nodiscard]] pid_t launched() const { return launched_pid_; }
    [[nodiscard]] std::optional<ExitStatus> exit_status() const;
    [[nodiscard]] Status signal_launched(int signal) const;

    [[nodiscard]] Nanos call_bias() const { return call_bias_; }
    [[nodiscard]] std::uint64_t stops() const { return stops_; }
    [[nodiscard]] std::uint64_t read_failures() const { return read_failures_; }

private:
    // tracer.cpp: the thread, and what others ask of it
    void run(std::promise<Status> began);
    [[nodiscard]] Status begin();
    [[nodiscard]] Status await_exec(Fd trouble);
    [[nodiscard]] Status attach_all();
    [[nodiscard]] Status attach(pid_t pid);
    bool wait_once();  // false: nobody is left
    void do_posted();
    bool post(std::function<void()> work);  // false: the thread has ended
    void let_go();

    // stops.cpp: one stop or end of one task
    void handle(pid_t tid, int status);
    void on_stop(pid_t tid, int status, Timestamp now);
    void on_call(Thread& thread, Timestamp now);
    void on_group_stop(Thread& thread, int signal);
    void on_new_task(pid_t tid, Timestamp now);
    Thread* on_exec(pid_t tid, Timestamp now);
    void on_leaving(Thread& thread, Timestamp now);
    void on_gone(pid_t tid, int status, Timestamp now);
    Thread* adopt(pid_t tid, Timestamp now);
    std::shared_ptr<Process> process_for(pid_t pid, Timestamp now);
    void go_on(const Thread& thread, int signal = 0) const;

    TracerOptions options_;
    RecordQueue& queue_;
    SystemClock clock_;
    Tasks tasks_;
    std::optional<Reporter> reporter_;
    bool is_filtered_ = false;  // launched: unwanted calls do not stop
    bool has_begun_ = false;    // what is adopted from now on is new
    bool is_quiet_ = false;     // nobody listens any more: only lets go on
    bool is_leaving_ = false;   // detaches from whatever stops

    std::thread thread_;
    std::mutex mutex_;
    std::condition_variable posted_done_;
    std::vector<std::function<void()>> posted_;
    bool has_ended_ = false;
    std::atomic<pid_t> launched_pid_ = 0;
    Fd launched_pidfd_;
    mutable std::mutex status_mutex_;
    std::optional<ExitStatus> exit_status_;
    std::atomic<Nanos> call_bias_ = Nanos(0);
    std::atomic<std::uint64_t> stops_ = 0;
    std::atomic<std::uint64_t> read_failures_ = 0;
};

}  // namespace autotune::ptrace
