#include "cli/profile_live.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "agent/symbols/sampler_source.hpp"
#include "agent/symbols/spare_memory.hpp"
#include "analyzer/stack_writer.hpp"
#include "cli/profile_allocations.hpp"
#include "cli/profile_functions.hpp"
#include "cli/profile_subject.hpp"
#include "cli/python_allocations.hpp"
#include "cli/sampler_notes.hpp"

namespace autotune::cli {

namespace {

// What the weights are: in titles, and as pprof calls it.
struct Measure {
    const char* shown;
    const char* name;
};
Measure measure_of(symbols::SamplerMode mode) {
    switch (mode) {
        case symbols::SamplerMode::on_cpu: return {"on-CPU", "cpu"};
        case symbols::SamplerMode::off_cpu: return {"off-CPU", "off_cpu"};
        case symbols::SamplerMode::wall: return {"wall clock", "wall"};
        case symbols::SamplerMode::memory: return {"memory", "alloc_space"};
        case symbols::SamplerMode::growth: return {"address space", "mapped_space"};
    }
    return {"", ""};
}

bool is_memory(symbols::SamplerMode mode) {
    return mode == symbols::SamplerMode::memory || mode == symbols::SamplerMode::growth;
}

// Samples, added up by stack.
class Sums {
public:
    explicit Sums(const Tables& tables) : stacks_(tables) {}

    void take(EventBatch& batch, LiveProfile& out) {
        for (const Event& event : batch.events) {
            if (const auto* lost = std::get_if<Lost>(&event.body)) out.lost += lost->count;
            const auto* sample = std::get_if<StackSample>(&event.body);
            if (sample == nullptr) continue;
            const std::uint64_t weight = sample->of == SampleOf::memory
                                             ? sample->bytes
                                             : static_cast<std::uint64_t>(sample->period.count());
            stacks_.add(sample->stack, weight, sample->truncated ? StackEnd::cut : StackEnd::thread_start);
            ++out.samples;
        }
        batch.events.clear();
    }

    Profile profile(const ProfileTarget& target) && {
        const Measure measure = measure_of(target.mode);
        Profile profile = std::move(stacks_).take(title_of(target) + " (" + measure.shown + ")");
        profile.measure = measure.name;
        if (is_memory(target.mode)) profile.unit = ProfileUnit::bytes;
        if (target.mode == symbols::SamplerMode::on_cpu) profile.period = 1'000'000'000 / std::max(target.hz, 1u);
        return profile;
    }

private:
    StackWriter stacks_;
};

}  // namespace

Result<LiveProfile> profile_live(const ProfileTarget& target, bool& command_refused) {
    const bool of_python = target.python_memory != PythonMemory::none;
    if (of_python && target.function.empty()) return profile_allocations(target, command_refused);
    std::optional<PythonAllocations> allocations;
    if (of_python) {
        auto prepared = PythonAllocations::prepare(target);
        if (!prepared) return prepared.forward();
        allocations.emplace(*std::move(prepared));
    }
    auto subject = ProfileSubject::prepare(target, command_refused,
                                           allocations ? allocations->environment() : std::vector<std::string>());
    if (!subject) return subject.forward();
    if (!target.function.empty())
        return profile_functions(target, *subject, allocations ? &*allocations : nullptr, command_refused);
    symbols::expect_large_files();
    auto made = symbols::make_sampler_source(
        {.tracked = {}, .sample_hz = target.hz, .mode = target.mode, .kernel = target.kernel, .run_time = target.cost});
    if (!made) return made.forward();
    symbols::SamplerSource& sampler = **made;
    if (Status s = sampler.focus({.processes = subject->processes(), .sample_hz = target.hz}); !s) return s.forward();
    if (Status s = sampler.start(); !s) return s.forward();
    if (Status s = subject->begin(command_refused); !s) return s.forward();

    LiveProfile out;
    EventBatch batch;
    Sums sums(batch.tables);
    for (bool last = false; !last;) {
        last = subject->is_over();
        if (!last) subject->wait(sampler.patience(), sampler.ready_fd());
        if (auto polled = sampler.poll(Nanos(0), batch); !polled) return polled.forward();
        sums.take(batch, out);
    }
    if (Status s = sampler.finish(batch); !s) return s.forward();
    sums.take(batch, out);
    out.took = subject->took();
    out.status = subject->status();
    const symbols::SamplerHealth health = sampler.health();
    out.notes = sampler_notes(health);
    out.unknown_stacks = health.unknown_stacks;
    out.bytes = health.bytes;
    out.bpf_seconds = sampler.bpf_run_seconds();
    out.profile = std::move(sums).profile(target);
    return out;
}

}  // namespace autotune::cli
