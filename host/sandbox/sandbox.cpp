#include "host/sandbox/sandbox.hpp"

#include <utility>

#include "host/sandbox/launch.hpp"

namespace autotune::host {
namespace {

std::int64_t epoch_ms(WallTime t) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(t.time_since_epoch()).count();
}

constexpr auto kExitError = "Runtime.ExitError";
constexpr auto kOutOfMemory = "Runtime.OutOfMemory";
constexpr ExitStatus kKilled{.code = 0, .signal = 9};

}  // namespace

Result<std::unique_ptr<Sandbox>> Sandbox::start(SandboxOptions options) {
    Result<SandboxLog> log = SandboxLog::open(options.clock, options.log_file);
    if (!log) return log.forward();
    std::unique_ptr<Sandbox> sandbox(new Sandbox(std::move(options), std::move(*log)));
    if (Status listening = sandbox->listen(); !listening) return listening.forward();
    if (Status launched = sandbox->launch(); !launched) return launched.forward();
    // Nobody would hear of it else: there is no call that could fail.
    if (sandbox->bad_entrypoint_ && !sandbox->options_.kept_for.empty()) return autotune::fail(Errc::invalid_argument, *sandbox->bad_entrypoint_);
    return sandbox;
}

Status Sandbox::launch() {
    const FunctionVersion& function = *options_.function;
    Result<std::unique_ptr<Box>> box =
        Box::create({options_.loop, options_.cgroups, options_.name, function.memory_mb,
                     options_.limits.processes, options_.limits.open_files},
                    {[this](std::string_view output) { log_.append(output); },
                     [this](ExitStatus status) { on_exit(status); }, [this] { on_out_of_memory(); }});
    if (!box) return box.forward();
    box_ = std::move(*box);
    started_ = options_.clock.now();

    LaunchContext context{.runtime_api = "127.0.0.1:" + std::to_string(server_->port()),
                                .log_stream = options_.log_stream,
                                .region = options_.region,
                                .endpoint_url = options_.endpoint_url,
                                .runtimes = options_.runtimes,
                                .probes = options_.probes,
                                .opt = function.layers.empty() ? "" : "/opt",
                                .kept_warm = !options_.kept_for.empty()};
    // The runtime looks for the layers where they are.
    const auto without_mount = [&](const std::string& why) {
        log_.append_line("NOTE the layers are at " + function.layers.string() + ", not at /opt: " + why + "\n");
        context.opt = function.layers;
    };
    if (!function.layers.empty())
        if (const auto hidden = hidden_by_layers(function, context); !hidden.empty())
            without_mount(hidden.string() + " would not be seen any more");
    Status spawned = spawn(context);
    // In a container that may not mount.
    if (!spawned && spawned.error().code == Errc::unsupported && !function.layers.empty()) {
        without_mount(spawned.error().message);
        spawned = spawn(context);
    }
    if (bad_entrypoint_) return ok();
    if (!spawned && spawned.error().code != Errc::invalid_argument) return spawned;
    if (!spawned) bad_entrypoint_ = "fork/exec " + spawned.error().message;
    if (spawned && options_.phase == InitPhase::init) {
        init_timer_ = options_.loop.after(options_.limits.init_timeout, [this] { on_init_timeout(); });
    }
    return ok();
}

Status Sandbox::spawn(const LaunchContext& context) {
    const FunctionVersion& function = *options_.function;
    const Result<LaunchCommand> command = launch_command(function, context);
    if (!command) {
        bad_entrypoint_ = command.error().message;
        return ok();
    }
    if (!command->note.empty()) log_.append_line("NOTE " + command->note + "\n");
    const bool mounted = context.opt != function.layers;
    return box_->start({command->argv, launch_environment(function, context), function.code,
                        mounted ? function.layers : std::filesystem::path()});
}

Sandbox::~Sandbox() = default;

void Sandbox::run(Job job) {
    idle_timer_.cancel();
    job_ = std::move(job);
    if (bad_entrypoint_) {
        const std::string text = "RequestId: " + job_->request.request_id + " Error: " + *bad_entrypoint_;
        constexpr auto kType = "Runtime.InvalidEntrypoint";
        return fail_init(Ending::bad_entrypoint, kType, error_object(kType, text));
    }
    if (api_.state() == RuntimeApi::State::ready) return start_invocation();
    if (initialized_) {
        patience_timer_ = options_.loop.after(options_.limits.patience, [this] {
            slow_ = true;
            options_.events.returned(*this, *std::exchange(job_, std::nullopt));
        });
    } else if (options_.phase == InitPhase::invoke) {
        clock_.emplace(started_, options_.function->timeout);
        run_deadline();
    }
}

void Sandbox::run_deadline() {
    deadline_timer_ =
        options_.loop.after(clock_->left(options_.clock.now()), [this] { on_deadline(); });
}

void Sandbox::start_invocation() {
    if (!clock_) clock_.emplace(options_.clock.now(), options_.function->timeout);
    if (!break_) claim_break();
    if (!hold_ || !hold_->back) hand_over();
}

// REQUIRES: a job, a clock, and a runtime that waits for work.
void Sandbox::hand_over() {
    invocation_ = std::exchange(job_, std::nullopt);
    const InvokeRequest& request = invocation_->request;
    log_.clear_tail();
    log_.append_line(start_line(request.request_id, options_.function->version));
    box_->reset_memory_peak();
    const Timestamp now = options_.clock.now();
    const Nanos left = clock_->left(now);
    // A runtime without a debugger of its own cannot be told later that there is more time.
    const Nanos held_yet = hold_ && !has_debugger() ? hold_->until - now : Nanos(0);
    api_.dispatch(request.request_id);
    waiting_.send(next_answer({.request_id = request.request_id,
                               .invoked_arn = request.invoked_arn,
                               .trace_id = request.trace_id,
                               .client_context = request.client_context,
                               .deadline_ms = epoch_ms(options_.clock.wall() + left + held_yet),
                               .held_left = break_ ? std::optional(left) : std::nullopt,
                               .payload = request.payload}));
    if (!clock_->stopped()) run_deadline();
}

void Sandbox::on_init_timeout() { fail_init(Ending::timeout, "", ""); }

void Sandbox::on_deadline() {
    if (box_->had_oom_kill()) return on_out_of_memory();
    if (!invocation_) {  // still starting, on the invocation's clock
        log_.append_line(start_line(job_->request.request_id, options_.function->version));
        invocation_ = std::exchange(job_, std::nullopt);
    }
    box_->drain();
    const std::string message = timeout_message(options_.clock.wall(), invocation_->request.request_id,
                                                options_.function->timeout);
    log_.append_line(message + "\n\n");
    finish(Ending::timeout, "", error_object("", message), After::end);
}

void Sandbox::on_exit(ExitStatus status) {
    if (box_->had_oom_kill()) return on_out_of_memory();
    fail(Ending::exit, kExitError, status);
}

// The runtime process may be alive: its child was the victim. Lambda ends the environment all the same.
void Sandbox::on_out_of_memory() { fail(Ending::out_of_memory, kOutOfMemory, kKilled); }

void Sandbox::fail(Ending ending, const char* error_type, ExitStatus status) {
    box_->drain();
    const Job* job = invocation_ ? &*invocation_ : job_ ? &*job_ : nullptr;
    const std::string message = job ? exit_message(job->request.request_id, status) : "";
    if (!initialized_) return fail_init(ending, error_type, error_object(kExitError, message));
    if (invocation_) {
        log_.append_line(message + "\n" + kExitError + "\n");
        return finish(ending, error_type, error_object(kExitError, message), After::end);
    }
    end();
}

void Sandbox::fail_init(Ending ending, std::string error_type, std::string payload) {
    box_->drain();
    log_.append_line(init_report_line(options_.clock.now() - started_, options_.phase, ending, error_type));
    const bool try_again = options_.phase == InitPhase::init && ending != Ending::bad_entrypoint;
    if (!job_ || try_again) return end();
    log_.append_line(start_line(job_->request.request_id, options_.function->version));
    invocation_ = std::exchange(job_, std::nullopt);
    if (!clock_) clock_.emplace(started_, options_.function->timeout);
    finish(ending, std::move(error_type), std::move(payload), After::end);
}

void Sandbox::finish(Ending ending, std::string error_type, std::string payload, After after) {
    const Timestamp now = options_.clock.now();
    const Nanos duration = clock_->spent(now), held = clock_->held(now);
    const std::uint64_t peak = box_->memory_peak();
    // A grandchild was killed and the function answered before we heard of it.
    if (after == After::keep && box_->had_oom_kill()) return on_out_of_memory();
    deadline_timer_ = {};
    clock_.reset();
    const Job done = *std::exchange(invocation_, std::nullopt);
    const InvokeRequest& request = done.request;

    box_->drain();
    log_.append_line(end_line(request.request_id));
    std::string report = report_line({.request_id = request.request_id,
                                      .ending = ending,
                                      .error_type = std::move(error_type),
                                      .duration = duration,
                                      .held = held,
                                      .init = std::exchange(init_, std::nullopt),
                                      .memory_mb = options_.function->memory_mb,
                                      .peak_bytes = peak});
    log_.append_line(report);
    close_break("the invocation is over", std::move(report));
    InvokeResult result{
        .kind = ending == Ending::response ? InvokeResult::Kind::ok : InvokeResult::Kind::function_error,
        .payload = std::move(payload),
        .log_tail = log_.tail()};
    if (after == After::end || retired_)
        end();
    else
        options_.events.idle(*this);
    done.done(std::move(result));  // last: it may give this sandbox its next job
}

void Sandbox::retire() {
    retired_ = true;
    if (!busy()) end();
}

void Sandbox::abandon(std::string_view reason) {
    InvokeResult result{.kind = InvokeResult::Kind::host_failure, .payload = std::string(reason)};
    std::function<void(InvokeResult)> done;
    if (job_) done = std::exchange(job_, std::nullopt)->done;
    if (invocation_) done = std::exchange(invocation_, std::nullopt)->done;
    end();
    if (done) done(std::move(result));
}

void Sandbox::end() {
    if (std::exchange(dying_, true)) return;
    for (auto* timer : {&init_timer_, &deadline_timer_, &patience_timer_, &idle_timer_}) timer->cancel();
    waiting_ = {};
    close_break(job_ ? "the process ended before it got the invocation; another one gets it" : "the sandbox has ended", {});
    server_.reset();
    box_->dismantle([this] { options_.events.gone(*this); });
    if (!job_) return;
    Job job = *std::exchange(job_, std::nullopt);
    if (!initialized_) job.phase = InitPhase::invoke;
    options_.events.returned(*this, std::move(job));
}

}  // namespace autotune::host
