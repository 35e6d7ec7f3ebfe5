#include "cli/trace_sources.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "agent/bpf/bpf_source.hpp"
#include "agent/inject/injection.hpp"
#include "agent/native/native_source.hpp"
#include "agent/ptrace/ptrace_source.hpp"
#include "agent/runtime/launch.hpp"
#include "agent/runtime/runtime_source.hpp"
#include "agent/symbols/tracing_build.hpp"
#include "cli/traced_command.hpp"
#include "os/owned_folder.hpp"
#include "os/procfs.hpp"
#include "runtimes/ring.h"

namespace autotune::cli {

namespace {

// Our environment with `more` in place of the same names.
std::vector<std::string> environment_with(const std::vector<std::string>& more) {
    std::vector<std::string> all = more;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view ours(*entry);
        const std::string_view name = ours.substr(0, ours.find('=') + 1);
        const auto same = [&](const std::string& other) { return other.starts_with(name); };
        if (name.empty() || std::none_of(more.begin(), more.end(), same)) all.emplace_back(ours);
    }
    return all;
}

// Whoever built a program to have its calls told waits for them: why there will be none. Empty: nothing is in the way,
// or it was not built so.
std::string why_unreachable(const std::string& command) {
    const auto path = find_program(command);
    if (!path) return {};
    const Fd file(::open(path->c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    const auto build = symbols::tracing_build(file.get());
    if (!build || !build->any() || build->reachable()) return {};
    return "no exact calls: " + command +
           " was built for them, but is linked statically: no library can be brought into it";
}

}  // namespace

Result<TracePlan> plan_trace(const TraceRequest& request, bool bpf_usable) {
    const bool has_target = !request.pids.empty() || !request.command.empty();
    TracePlan plan{.kernel = TracePlan::Kernel::none, .probes = has_target};
    switch (request.backend) {
        case BackendWish::any:
            plan.kernel = bpf_usable ? TracePlan::Kernel::bpf : TracePlan::Kernel::ptrace;
            break;
        case BackendWish::bpf: plan.kernel = TracePlan::Kernel::bpf; break;
        case BackendWish::ptrace: plan.kernel = TracePlan::Kernel::ptrace; break;
        case BackendWish::runtime: break;
    }
    if (!has_target && plan.kernel != TracePlan::Kernel::bpf)
        return fail(Errc::invalid_argument,
                    "only eBPF, as root, sees all executors of a machine; name a process (-p PID) or a "
                    "command (-- CMD)");
    const bool wants_native = !request.native_watches.empty() || std::ranges::any_of(request.functions, is_native);
    if (wants_native && plan.kernel != TracePlan::Kernel::bpf)
        return fail(Errc::invalid_argument,
                    "native functions and values (BIN:NAME) are probed by eBPF: run as root, with BTF and without "
                    "--backend ptrace or runtime");
    if (plan.kernel == TracePlan::Kernel::none && request.syscalls != SyscallDetail::none)
        return fail(Errc::invalid_argument,
                    "--backend runtime sees calls of functions only, no system calls");
    return plan;
}

struct TraceSources::State {
    OwnedFolder rings;  // serve nobody after the trace
    std::optional<runtime::Launch> launch;
    std::vector<inject::Injection> injections;
    std::unique_ptr<BpfSource> bpf;
    std::unique_ptr<native::NativeSource> native;
    std::unique_ptr<PtraceSource> ptrace;
    std::unique_ptr<runtime::RuntimeSource> runtime;
    std::optional<TracedCommand> command;
    std::vector<EventSource*> all;
    std::vector<std::string> backends, remarks;
    bool refused = false;  // the command, and not by a lack of rights to trace it

    void use(EventSource* source, const char* name) {
        all.push_back(source);
        backends.emplace_back(name);
    }

    // Environment of the command; empty without probes.
    std::vector<std::string> prepare_probes(const TraceRequest& request) {
        auto folder = runtime::make_ring_folder(::getuid());
        if (!folder)
            return remarks.push_back("no exact calls: " + folder.error().message), std::vector<std::string>();
        rings = *std::move(folder);
        runtime = runtime::make_runtime_source({.folder = rings.path()});
        if (request.command.empty()) return {};
        auto prepared =
            runtime::Launch::prepare({.folder = rings.path(), .python = {.watches = request.watches}});
        if (!prepared)
            return remarks.push_back("no exact calls: " + prepared.error().message),
                   std::vector<std::string>();
        launch.emplace(*std::move(prepared));
        if (std::string why = why_unreachable(request.command.front()); !why.empty()) remarks.push_back(std::move(why));
        return launch->environment();
    }

    // Into processes that run already. What is no CPython is no loss: nobody asked for its calls.
    void inject_probes(const TraceRequest& request) {
        for (const int pid : request.pids) {
            auto begun = inject::Injection::begin(
                pid, {.folder = rings.path(), .python = {.watches = request.watches}});
            if (!begun) {
                const bool wanted = request.backend == BackendWish::runtime || !request.watches.empty();
                if (begun.error().code != Errc::unsupported || wanted)
                    remarks.push_back("no exact calls of process " + std::to_string(pid) + ": " +
                                      begun.error().message);
                continue;
            }
            if (!begun->ring().empty())
                if (Status s = runtime->watch(begun->ring(), pid); !s) remarks.push_back(s.error().message);
            injections.push_back(*std::move(begun));
        }
    }

    Status start_bpf(const Detail& detail) {
        auto made = make_bpf_source();
        if (!made) return made.forward();
        bpf = *std::move(made);
        if (Status s = bpf->focus(detail); !s) return s;
        return bpf->start();
    }

    // Finds what is asked for before anything is attached or started.
    Status prepare_native(const TraceRequest& request) {
        native::NativeSourceOptions options{.watches = request.native_watches};
        std::ranges::copy_if(request.functions, std::back_inserter(options.functions), is_native);
        if (options.functions.empty() && options.watches.empty()) return ok();
        if (!request.pids.empty()) options.process = request.pids.front();
        auto made = native::make_native_source(options);
        if (!made) {  // not_found would mean the command
            Error error = made.error();
            if (error.code == Errc::not_found) error.code = Errc::invalid_argument;
            return unexpected(std::move(error));
        }
        native = *std::move(made);
        return ok();
    }

    Status start_native(const Detail& detail) {
        if (!native) return ok();
        if (Status s = native->focus(detail); !s) return s;
        if (Status s = native->start(); !s) return s;
        use(native.get(), "uprobes");
        std::ranges::copy(native->health().missing, std::back_inserter(remarks));
        return ok();
    }

    Status start_ptrace(const Detail& detail, const TraceRequest& request,
                        const std::vector<std::string>& environment) {
        PtraceSourceOptions options{.command = request.command, .environment = environment_with(environment)};
        auto made = make_ptrace_source(std::move(options));
        if (!made) return made.forward();
        ptrace = *std::move(made);
        if (Status s = ptrace->focus(detail); !s) return s;
        Status started = ptrace->start();
        refused = !started && !request.command.empty() &&
                  (started.error().code == Errc::not_found || started.error().code == Errc::permission_denied);
        return started;
    }

    Status start_kernel(const TracePlan& plan, const TraceRequest& request,
                        const std::vector<std::string>& environment) {
        Detail detail{.processes = {request.pids.begin(), request.pids.end()},
                      .waits = true,
                      .syscalls = request.syscalls};
        if (plan.kernel == TracePlan::Kernel::ptrace) {
            if (Status s = start_ptrace(detail, request, environment); !s) return s;
            use(ptrace.get(), "ptrace");
            return ok();
        }
        if (!request.command.empty()) {
            auto prepared = TracedCommand::prepare(request.command, environment);
            if (!prepared) return prepared.forward();
            command.emplace(*std::move(prepared));
            detail.processes = {command->pid()};
        }
        if (plan.kernel == TracePlan::Kernel::none) return ok();
        if (Status s = start_bpf(detail); !s) return s;
        use(bpf.get(), "bpf");
        return start_native(detail);
    }
};

TraceSources::TraceSources() : state_(std::make_unique<State>()) {}
TraceSources::~TraceSources() = default;

Status TraceSources::start(const TraceRequest& request) {
    const bool bpf_usable = ::geteuid() == 0 && ::access("/sys/kernel/btf/vmlinux", R_OK) == 0;
    const auto plan = plan_trace(request, bpf_usable);
    if (!plan) return plan.forward();
    State& s = *state_;
    if (!request.command.empty())
        if (const auto program = find_program(request.command.front()); !program) {
            s.refused = true;
            return program.forward();
        }
    if (Status prepared = s.prepare_native(request); !prepared) return prepared;
    std::vector<std::string> environment;
    if (plan->probes) environment = s.prepare_probes(request);
    if (s.runtime) s.inject_probes(request);
    Status kernel = s.start_kernel(*plan, request, environment);
    const bool may_fall_back =
        !kernel && request.backend == BackendWish::any && plan->kernel == TracePlan::Kernel::bpf &&
        plan->probes &&
        (kernel.error().code == Errc::unsupported || kernel.error().code == Errc::permission_denied) &&
        s.bpf == nullptr && s.native == nullptr;
    if (may_fall_back) {
        s.remarks.push_back("no eBPF: " + kernel.error().message);
        s.command.reset();
        kernel = s.start_kernel({TracePlan::Kernel::ptrace, plan->probes}, request, environment);
    }
    if (!kernel) return kernel;
    if (s.runtime) {
        if (Status started = s.runtime->start(); !started)
            s.remarks.push_back("no exact calls: " + started.error().message);
        else
            s.use(s.runtime.get(), "runtime");
    }
    if (s.command)
        if (Status released = s.command->release(); !released) {
            s.refused = true;
            return released;
        }
    return ok();
}

bool TraceSources::was_refused() const { return state_->refused; }

const std::vector<EventSource*>& TraceSources::all() const { return state_->all; }
const std::vector<std::string>& TraceSources::backends() const { return state_->backends; }

std::vector<std::string> TraceSources::own_folders() const {
    std::vector<std::string> folders;
    if (!state_->rings.path().empty()) folders.push_back(state_->rings.path());
    if (state_->launch) {
        folders.push_back(state_->launch->files());
        folders.emplace_back(AT_OWN_READS);
    }
    return folders;
}

std::vector<std::string> TraceSources::remarks() {
    State& s = *state_;
    if (s.launch)
        for (const runtime::Refusal& refusal : s.launch->refusals())
            s.remarks.push_back("no exact calls of process " + std::to_string(refusal.pid) + ": " +
                                refusal.reason);
    if (s.bpf)
        for (const std::string& missing : s.bpf->health().missing)
            if (std::find(s.remarks.begin(), s.remarks.end(), missing) == s.remarks.end())
                s.remarks.push_back(missing);
    return s.remarks;
}

std::optional<ExitStatus> TraceSources::ended() {
    if (state_->ptrace) return state_->ptrace->exit_status();
    return state_->command->ended();
}

void TraceSources::signal(int number) {
    if (state_->ptrace)
        (void)state_->ptrace->signal_launched(number);
    else
        state_->command->signal(number);
}

}  // namespace autotune::cli
