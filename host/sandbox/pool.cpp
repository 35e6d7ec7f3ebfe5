#include "host/sandbox/pool.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <list>
#include <map>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

#include "host/sandbox/log.hpp"
#include "host/sandbox/runtime_files.hpp"
#include "host/sandbox/sandbox.hpp"
#include "host/sandbox/warm_set.hpp"
#include "os/cgroup_layout.hpp"
#include "os/cgroup_tree.hpp"
#include "os/warden.hpp"

namespace autotune::host {
namespace {

constexpr Nanos kWarmInit = std::chrono::seconds(130);

std::string random_hex() {
    std::random_device random;
    std::string text;
    for (int i = 0; i < 32; ++i) text += "0123456789abcdef"[random() & 15];
    return text;
}

// Letters, digits, '-' and '_': what function names are made of, and safe in any path.
std::string plain_name(std::string_view name) {
    std::string plain(name);
    for (char& c : plain) {
        const bool safe =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        if (!safe) c = '_';
    }
    return plain;
}

bool same_snapshot(const FunctionVersion& a, const FunctionVersion& b) {
    return a.name == b.name && a.version == b.version && a.revision_id == b.revision_id;
}

// A sandbox costs the host eight descriptors; the usual soft limit would end at about a hundred.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

struct SandboxPool::Impl {
    Impl(SandboxPoolOptions o, CgroupTree t, Warden w)
        : options(std::move(o)), cgroups(std::move(t)), warden(std::move(w)) {
        events.idle = [this](Sandbox& sandbox) { rest(sandbox); };
        events.returned = [this](Sandbox& sandbox, Job job) {
            rest(sandbox);
            place(std::move(job));
        };
        events.gone = [this](Sandbox& sandbox) {
            const FunctionVersion function = sandbox.function();
            const std::string kept_for = sandbox.kept_for();
            const auto had = sandbox.failed_to_start() ? WarmSet::Had::failed : WarmSet::Had::started;
            sandboxes.remove_if([&](const auto& s) { return s.get() == &sandbox; });
            warm.gone(function, kept_for, had);
        };
    }
    ~Impl();

    void admit(InvokeRequest request, std::function<void(InvokeResult)> done);
    void place(Job job);
    Sandbox* pick(const InvokeRequest& request);
    // kept_for: as of SandboxOptions.
    Result<Sandbox*> start(const FunctionVersionPtr& function, InitPhase phase, const std::string& kept_for = {});
    void make_room();
    void rest(Sandbox& sandbox);

    SandboxPoolOptions options;
    CgroupTree cgroups;
    Warden warden;
    SandboxEvents events;
    std::list<std::unique_ptr<Sandbox>> sandboxes;  // also those that are ending
    WarmSet warm{options.loop, sandboxes, [this](const WarmOrder& order) -> Status {
                     const auto one = start(order.function, InitPhase::init, order.qualifier);
                     return one ? ok() : Status(one.forward());
                 }};
    std::map<std::string, std::size_t> in_flight;   // invocations, by function
    std::size_t total_in_flight = 0;
    std::uint64_t started = 0, uses = 0;
    bool stopping = false;
};

void SandboxPool::Impl::admit(InvokeRequest request, std::function<void(InvokeResult)> done) {
    const std::string name = request.function->name;
    const SandboxLimits& limits = options.limits;
    const char* full = total_in_flight >= limits.account_concurrency ? "ConcurrentInvocationLimitExceeded"
                       : in_flight[name] >= limits.function_concurrency
                           ? "ReservedFunctionConcurrentInvocationLimitExceeded"
                           : nullptr;
    if (full != nullptr)
        return done({.kind = InvokeResult::Kind::throttled, .payload = full});  // Lambda's Reason
    ++total_in_flight;
    ++in_flight[name];
    place({std::move(request), [this, name, done = std::move(done)](InvokeResult result) {
               --total_in_flight;
               if (--in_flight[name] == 0) in_flight.erase(name);
               done(std::move(result));
           }});
}

void SandboxPool::Impl::place(Job job) {
    if (stopping)
        return job.done({.kind = InvokeResult::Kind::host_failure, .payload = "the host is stopping"});
    Sandbox* sandbox = job.phase == InitPhase::init ? pick(job.request) : nullptr;
    if (sandbox == nullptr) {
        const Result<Sandbox*> fresh = start(job.request.function, job.phase);
        if (!fresh)
            return job.done({.kind = InvokeResult::Kind::host_failure, .payload = fresh.error().message});
        sandbox = *fresh;
    }
    sandbox->set_last_used(++uses);
    sandbox->run(std::move(job));
}

// One that is kept for such calls, else the most recently used one; those that are idle before those about to be.
Sandbox* SandboxPool::Impl::pick(const InvokeRequest& request) {
    Sandbox* best = nullptr;
    for (const auto& sandbox : sandboxes) {
        if (!sandbox->accepts_work() || !same_snapshot(sandbox->function(), *request.function)) continue;
        if (!sandbox->kept_for().empty() && !is_qualified(request.invoked_arn, sandbox->kept_for())) continue;
        const auto rank = [](const Sandbox& s) { return std::tuple(s.idle(), !s.kept_for().empty(), s.last_used()); };
        if (best == nullptr || rank(*best) < rank(*sandbox)) best = sandbox.get();
    }
    return best;
}

Result<Sandbox*> SandboxPool::Impl::start(const FunctionVersionPtr& function, InitPhase phase, const std::string& kept_for) {
    make_room();
    SandboxLimits limits = options.limits;
    if (!kept_for.empty()) limits.init_timeout = std::max<Nanos>(kWarmInit, function->timeout);  // as Lambda's
    const std::string name = plain_name(function->name);
    const std::string stream = log_stream_name(options.clock.wall(), function->version, random_hex());
    Result<std::unique_ptr<Sandbox>> sandbox =
        Sandbox::start({.loop = options.loop,
                        .clock = options.clock,
                        .cgroups = cgroups,
                        .events = events,
                        .function = function,
                        .name = name + "-" + std::to_string(++started),
                        .log_stream = stream,
                        .log_file = options.state / "logs" / name / stream,
                        .runtimes = options.state / "runtimes",
                        .region = options.region,
                        .endpoint_url = options.endpoint_url,
                        .probes = options.probes,
                        .breaks = options.breaks,
                        .limits = limits,
                        .phase = phase,
                        .kept_for = kept_for});
    if (!sandbox) {
        if (options.note) options.note("no sandbox for " + function->name + ": " + sandbox.error().message);
        return sandbox.forward("starting a sandbox for " + function->name);
    }
    sandboxes.push_back(std::move(*sandbox));
    return sandboxes.back().get();
}

// Idle sandboxes of other functions must not keep one from running.
void SandboxPool::Impl::make_room() {
    if (sandboxes.size() < options.limits.account_concurrency) return;
    Sandbox* oldest = nullptr;
    for (const auto& sandbox : sandboxes) {
        if (sandbox->idle() && sandbox->kept_for().empty() && (oldest == nullptr || sandbox->last_used() < oldest->last_used()))
            oldest = sandbox.get();
    }
    if (oldest != nullptr) oldest->retire();
}

void SandboxPool::Impl::rest(Sandbox& sandbox) {
    if (!sandbox.kept_for().empty()) return warm.rests(sandbox);
    sandbox.set_idle_timer(options.loop.after(options.limits.idle_timeout, [&sandbox] { sandbox.retire(); }));
}

SandboxPool::Impl::~Impl() {
    warm.stop();
    stopping = true;  // a caller who answers a failure with a new call is told the same
    for (const auto& sandbox : sandboxes) sandbox->abandon("the host is stopping");
    (void)cgroups.root().kill_all();
    sandboxes.clear();
}

SandboxPool::SandboxPool(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SandboxPool::~SandboxPool() = default;

Result<std::unique_ptr<SandboxPool>> SandboxPool::create(SandboxPoolOptions options) {
    Result<CgroupLayout> layout = detect_cgroup_layout();
    if (!layout) return layout.forward();
    for (const Controller c : {Controller::cpu, Controller::pids}) {
        if ((*layout)[c].version == CgroupVersion::none && options.note) {
            options.note("no " + std::string(to_string(c)) + " controller: sandboxes run without that limit");
        }
    }
    Result<CgroupTree> cgroups = CgroupTree::open(*layout, options.cgroup_root);
    if (!cgroups) {
        const bool refused = cgroups.error().code == Errc::permission_denied;
        return cgroups.forward(refused ? "cgroups for the sandboxes (run as root, or delegate a subtree)"
                                       : "cgroups for the sandboxes");
    }
    Result<Warden> warden = Warden::watch_over(cgroups->root());
    if (!warden) return warden.forward();
    if (Status installed = install_runtime_files(options.state / "runtimes"); !installed)
        return installed.forward();
    remove_old_logs(options.state / "logs", std::chrono::hours(24 * 7));
    raise_descriptor_limit();
    return std::unique_ptr<SandboxPool>(
        new SandboxPool(std::make_unique<Impl>(std::move(options), std::move(*cgroups), std::move(*warden))));
}

void SandboxPool::invoke(InvokeRequest request, std::function<void(InvokeResult)> done) {
    impl_->admit(std::move(request), std::move(done));
}

void SandboxPool::retire(const FunctionVersion& function) {
    std::vector<Sandbox*> leaving;
    for (const auto& sandbox : impl_->sandboxes) {
        if (same_snapshot(sandbox->function(), function)) leaving.push_back(sandbox.get());
    }
    for (Sandbox* sandbox : leaving) sandbox->retire();
}

void SandboxPool::keep_warm(WarmOrder order) { impl_->warm.order(std::move(order)); }

WarmState SandboxPool::warm_state(const FunctionVersion& function, const std::string& qualifier) const {
    return impl_->warm.state(function, qualifier);
}

SandboxPool::Count SandboxPool::count() const {
    Count count;
    for (const auto& sandbox : impl_->sandboxes) {
        ++count.sandboxes;
        count.busy += sandbox->busy();
    }
    return count;
}

const std::filesystem::path& SandboxPool::cgroup_path() const { return impl_->cgroups.root().path(); }

}  // namespace autotune::host
