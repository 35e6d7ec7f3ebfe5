#include "cli/monitor.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "agent/bpf/bpf_source.hpp"
#include "agent/budget/budget.hpp"
#include "agent/symbols/sampler_source.hpp"

namespace autotune::cli {

namespace {

constexpr Nanos kWeighEvery = std::chrono::seconds(1);

double own_cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t own_resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t pages = 0, resident = 0;
    statm >> pages >> resident;
    return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

struct Monitor::Impl {
    std::unique_ptr<BpfSource> bpf;
    std::unique_ptr<symbols::SamplerSource> sampler;
    std::unique_ptr<black_box::Recorder> recorder;
    std::vector<std::string> missing;
    std::string last_note;
    std::optional<Budget> budget;
    Detail left;  // of the wish, as the sources were told
    Timestamp weighed{};
    double bpf_weighed = 0;  // seconds, then: asking each program costs a fifth of an idle second

    Status start_bpf(const Detail& detail) {
        auto made = make_bpf_source({.run_time = RunTimeStatistics::on});
        if (!made) return made.forward();
        if (Status s = (*made)->focus(detail); !s) return s;
        if (Status s = (*made)->start(); !s) return s;
        bpf = std::move(*made);
        return ok();
    }

    Status start_sampler(const Detail& detail) {
        auto made = symbols::make_sampler_source(
            {.tracked = bpf->tracked_maps(), .sample_hz = detail.sample_hz});
        if (!made) return made.forward();
        if (Status s = (*made)->focus(detail); !s) return s;
        if (Status s = (*made)->start(); !s) return s;
        sampler = std::move(*made);
        return ok();
    }

    Status start_recorder() {
        auto made = black_box::Recorder::start({.tracked = bpf->tracked_maps()});
        if (!made) return made.forward();
        recorder = std::move(*made);
        return ok();
    }

    [[nodiscard]] double bpf_seconds() const {
        return bpf->bpf_run_seconds() + (sampler ? sampler->bpf_run_seconds() : 0) +
               (recorder ? recorder->health().bpf_seconds : 0);
    }

    void lacks(const std::string& what, const Error& why, const std::string& still, const Say& say) {
        missing.push_back(what + ": " + why.message);
        say("no " + missing.back() + ". " + still);
    }
};

Monitor::Monitor() : impl_(std::make_unique<Impl>()) {}
Monitor::~Monitor() = default;

void Monitor::start(const MonitorOptions& options, const Say& say) {
    Detail detail{
        .cgroups = options.cgroups, .stacks = options.sample_hz > 0, .sample_hz = options.sample_hz};
    if (Status s = impl_->start_bpf(detail); !s) {
        impl_->lacks(
            "measurements", s.error(),
            "Still working: rules are checked, changes under way are brought to an end, metrics are served; "
            "no rule fires without measurements. `autotune doctor` tells how to get them.",
            say);
        return;
    }
    if (detail.stacks) {
        if (Status s = impl_->start_sampler(detail); !s) {
            impl_->lacks("stack samples", s.error(), "Still working: everything but flame graphs.", say);
            detail.stacks = false;
        }
    }
    if (Status s = impl_->start_recorder(); !s)
        impl_->lacks("black boxes", s.error(), "Still working: everything but the moment of a kill.", say);
    impl_->left = detail;
    if (options.budget) impl_->budget.emplace(
            BudgetOptions{.cores = *options.budget, .causes = impl_->bpf->can_shed_causes()}, detail);
}

black_box::Recorder* Monitor::recorder() const { return impl_->recorder.get(); }

bool Monitor::attached() const { return impl_->bpf != nullptr; }

std::vector<EventSource*> Monitor::sources() const {
    std::vector<EventSource*> all;
    if (impl_->bpf) all.push_back(impl_->bpf.get());
    if (impl_->sampler) all.push_back(impl_->sampler.get());
    return all;
}

bool Monitor::hears_calls() const { return attached() && !impl_->left.shed.sockets; }

AgentHealth Monitor::health() const {
    AgentHealth health{.attached = attached(),
                       .cpu_seconds = own_cpu_seconds(),
                       .resident_bytes = own_resident_bytes(),
                       .missing = impl_->missing};
    if (impl_->bpf) {
        const SourceHealth source = impl_->bpf->health();
        health.events = source.events;
        health.bpf_seconds = impl_->budget ? impl_->bpf_weighed : impl_->bpf_seconds();
        for (std::size_t kind = 0; kind < kLossKindCount; ++kind)
            health.lost[std::string(to_string(static_cast<LossKind>(kind)))] = source.lost[kind];
        health.missing.insert(health.missing.end(), source.missing.begin(), source.missing.end());
    }
    if (impl_->sampler) {
        const symbols::SamplerHealth samples = impl_->sampler->health();
        health.events += samples.samples;
        for (const auto& [kind, count] : samples.lost) health.lost[kind] += count;
    }
    if (impl_->recorder)
        for (const auto& [kind, count] : impl_->recorder->health().lost) health.lost[kind] += count;
    if (impl_->budget) {
        health.budget_cores = impl_->budget->cores();
        health.load_cores = impl_->budget->load();
        health.invocations_told = 1.0 / impl_->left.shed.told_one_in;
        for (std::size_t i = 0; i < kGivenCount; ++i)
            health.shed[std::string(to_string(static_cast<Given>(i)))] = false;
        for (const Given what : impl_->budget->given_up()) health.shed[std::string(to_string(what))] = true;
    }
    return health;
}

void Monitor::keep_budget(Timestamp now, bool is_judging, const Say& say) {
    if (!impl_->budget || now - impl_->weighed < kWeighEvery) return;
    impl_->weighed = now;
    Budget& budget = *impl_->budget;
    const std::vector<Given> before(budget.given_up().begin(), budget.given_up().end());
    impl_->bpf_weighed = impl_->bpf_seconds();
    if (budget.weigh({now, own_cpu_seconds() + impl_->bpf_weighed, impl_->bpf->health().events})) {
        const bool more = budget.given_up().size() > before.size();
        const Given what = more ? budget.given_up().back() : before.back();
        char load[80];
        std::snprintf(load, sizeof load, "used %.2g %% of a core, the budget is %.2g %%: ", 100 * budget.load(),
                      100 * budget.cores());
        say(load + std::string(describe(what)) + (more ? " are given up for now" : " are told again"));
    }
    // A judge that is told every failure and few successes would compare what is not alike.
    Detail left = budget.detail();
    if (is_judging) left.shed.told_one_in = 1;
    if (left.shed == impl_->left.shed && left.stacks == impl_->left.stacks && left.sample_hz == impl_->left.sample_hz)
        return;
    if (left.shed.told_one_in != budget.detail().shed.told_one_in && impl_->left.shed.told_one_in > 1)
        say("a change is under way: every invocation is told until it is judged, whatever the budget");
    impl_->left = left;
    if (impl_->recorder)
        if (Status s = impl_->recorder->remember_calls(!left.shed.last_calls); !s) note(s.error().message, say);
    for (EventSource* source : sources())
        if (Status s = source->focus(left); !s) note(s.error().message, say);
}

void Monitor::note(const std::string& problem, const Say& say) {
    if (problem == impl_->last_note) return;
    impl_->last_note = problem;
    say(problem);
}

}  // namespace autotune::cli
