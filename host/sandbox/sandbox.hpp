// Sandbox: one execution environment of one function snapshot, from its start to its end: a Box, the
// Runtime API that its processes talk to, a log, and at most one invocation at a time.
//
//   starting → idle ⇄ busy → gone        any of them → gone
//
// Between invocations it is not frozen, as Lambda's are: freezing costs 60 µs and thawing 30, but a
// frozen epoll_wait or nanosleep ends with EINTR, which not every runtime survives.
//
// Every job given to run() comes back exactly once: its `done` was called, or it was returned to the
// pool because it was not begun here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "core/time.hpp"
#include "host/breaks/breaks.hpp"
#include "host/breaks/debugger_watch.hpp"
#include "host/breaks/invocation_clock.hpp"
#include "host/invoker.hpp"
#include "host/sandbox/box.hpp"
#include "host/sandbox/log.hpp"
#include "host/sandbox/pool.hpp"
#include "host/sandbox/report.hpp"
#include "host/sandbox/runtime_api.hpp"
#include "net/event_loop.hpp"
#include "net/http_server.hpp"
#include "os/cgroup_tree.hpp"

namespace autotune::host {

struct Job {
    InvokeRequest request;
    std::function<void(InvokeResult)> done;
    InitPhase phase = InitPhase::init;  // in which a sandbox that is started for it begins
};

class Sandbox;
struct LaunchContext;

struct SandboxEvents {
    std::function<void(Sandbox&)> idle;           // waits for work, or is about to
    std::function<void(Sandbox&, Job)> returned;  // not begun: run it elsewhere
    std::function<void(Sandbox&)> gone;           // nothing is left of it; may destroy it
};

struct SandboxOptions {
    net::EventLoop& loop;
    const Clock& clock;
    const CgroupTree& cgroups;
    const SandboxEvents& events;  // outlives the sandbox
    FunctionVersionPtr function;
    std::string name;  // of its cgroup
    std::string log_stream;
    std::filesystem::path log_file, runtimes;
    std::string region, endpoint_url;
    std::map<std::string, std::string> probes;  // as of LaunchContext
    Breaks* breaks = nullptr;  // outlives the sandbox; null: nothing is ever held
    SandboxLimits limits;
    InitPhase phase = InitPhase::init;
    std::string kept_for = {};  // the qualifier whose calls it is initialised ahead for; "": it is started for a call
};

class Sandbox {
public:
    // Errors: the host could not make it. A function that cannot be executed is no error here: the job
    // that it gets fails as Lambda lets it fail.
    static Result<std::unique_ptr<Sandbox>> start(SandboxOptions options);
    ~Sandbox();

    // REQUIRES: accepts_work().
    void run(Job job);
    // It would take a job: idle, starting without a job, or just about to ask for work again.
    [[nodiscard]] bool accepts_work() const {
        // No call waits for one that is initialised ahead.
        if (!options_.kept_for.empty() && !initialized_) return false;
        return !dying_ && !retired_ && !busy() && (!slow_ || api_.state() == RuntimeApi::State::ready);
    }
    [[nodiscard]] bool idle() const { return accepts_work() && api_.state() == RuntimeApi::State::ready; }
    [[nodiscard]] bool busy() const { return job_ || invocation_; }
    [[nodiscard]] bool leaving() const { return dying_ || retired_; }
    [[nodiscard]] bool initialized() const { return initialized_; }
    // It died before it served anybody.
    [[nodiscard]] bool failed_to_start() const { return dying_ && !retired_ && (!initialized_ || last_used_ == 0); }
    [[nodiscard]] const std::string& kept_for() const { return options_.kept_for; }
    // Ends it: now, or when its invocation is done.
    void retire();
    // Ends it now; a job gets host_failure with this reason.
    void abandon(std::string_view reason);

    [[nodiscard]] const FunctionVersion& function() const { return *options_.function; }
    [[nodiscard]] std::uint64_t last_used() const { return last_used_; }
    void set_last_used(std::uint64_t turn) { last_used_ = turn; }  // the pool's order of use
    void set_idle_timer(net::EventLoop::Timer timer) { idle_timer_ = std::move(timer); }

private:
    enum class After : std::uint8_t { keep, end };
    // An invocation is held for a debugger. Without one in the runtime itself it is not even handed over
    // before a debugger is there and lets the runtime's process run.
    struct Hold {
        Timestamp until;
        bool back = false;      // the runtime has not been given it yet
        bool attached = false;  // somebody is connected to the debugger in the runtime
        net::Responder waiting_runtime;  // asked to be told when the hold is over
        DebuggerWatch debugger;
        net::EventLoop::Timer look, over;
    };

    explicit Sandbox(SandboxOptions options, SandboxLog log)
        : options_(std::move(options)), log_(std::move(log)) {}
    Status listen();
    Status launch();
    Status spawn(const LaunchContext& context);

    // sandbox_api.cpp: what the runtime says
    void on_request(net::HttpRequest request, net::Responder responder);
    void on_next(net::Responder responder);
    void on_init_error(const net::HttpRequest& request);
    net::HttpResponse on_too_large(const net::HttpRequest& request);

    // sandbox.cpp: what happens to the box and the invocation
    void on_init_timeout();
    void on_deadline();
    void on_exit(ExitStatus status);
    void on_out_of_memory();
    void start_invocation();
    void hand_over();
    void run_deadline();
    void fail_init(Ending ending, std::string error_type, std::string payload);
    void finish(Ending ending, std::string error_type, std::string payload, After after);
    void fail(Ending ending, const char* error_type, ExitStatus status);
    void end();

    // sandbox_hold.cpp: an invocation that is held for a debugger
    [[nodiscard]] bool has_debugger() const;  // in its runtime, our bootstrap
    void claim_break();
    void look_for_debugger();
    void on_hold_request(const net::HttpRequest& request, net::Responder responder);
    void let_go(std::string_view why);
    void close_break(std::string_view why, std::string report);

    SandboxOptions options_;
    SandboxLog log_;
    std::unique_ptr<Box> box_;
    std::unique_ptr<net::HttpServer> server_;
    RuntimeApi api_;
    net::Responder waiting_;                // the /next without an answer
    std::optional<Job> job_;                // waits for the runtime to ask
    std::optional<Job> invocation_;         // in flight
    std::optional<InvocationClock> clock_;  // of the job or invocation; runs before the latter while starting late
    std::shared_ptr<Break> break_;          // of the job or invocation
    std::optional<Hold> hold_;
    std::optional<std::string> bad_entrypoint_;
    net::EventLoop::Timer init_timer_, deadline_timer_, patience_timer_, idle_timer_;
    Timestamp started_;
    std::optional<Nanos> init_;             // how long the start took; told in the first REPORT
    std::uint64_t last_used_ = 0;
    bool initialized_ = false;
    bool slow_ = false;  // kept a job waiting too long; until it asks for work
    bool dying_ = false;
    bool retired_ = false;
};

}  // namespace autotune::host
