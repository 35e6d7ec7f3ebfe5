#include "cli/profile_live.hpp"

#include <algorithm>
#include <utility>

#include "agent/symbols/sampler_source.hpp"
#include "agent/symbols/spare_memory.hpp"
#include "analyzer/stack_writer.hpp"
#include "cli/profile_allocations.hpp"
#include "cli/profile_functions.hpp"
#include "cli/profile_subject.hpp"

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

constexpr std::size_t kMostFetches = 8;  // that are told one by one

std::vector<std::string> notes_of(const symbols::SamplerHealth& health) {
    std::vector<std::string> notes;
    const auto counted = [&](std::uint64_t count, const char* what) {
        if (count > 0) notes.push_back(std::to_string(count) + " " + what);
    };
    for (const symbols::Fetch& f : health.fetches) {
        if (notes.size() == kMostFetches) {
            counted(health.fetches.size() - kMostFetches, "more were asked of debuginfod");
            break;
        }
        notes.push_back("debuginfod: " + f.build_id + ": " + (f.path.empty() ? f.error : "fetched to " + f.path));
    }
    counted(health.not_copied, "stacks of new processes and libraries found no room to be walked later: they are cut");
    counted(health.guessed_runs, "times the place of Python frames among native ones is a guess");
    const symbols::ModuleCounts& modules = health.symbols.modules;
    counted(modules.corrupt, "files could not be read: no names of them");
    counted(modules.no_room, "files have more DWARF than there is room for: no lines and inlined functions of them");
    counted(modules.damaged, "units of DWARF are damaged: not all of their lines and inlined functions are shown");
    counted(health.symbols.jit_refused, "perf maps (/tmp/perf-PID.map) are older than their process: an earlier one's, no names of them");
    counted(health.symbols.jit_no_room, "functions of perf maps found no room: no names of them");
    return notes;
}

}  // namespace

Result<LiveProfile> profile_live(const ProfileTarget& target, bool& command_refused) {
    if (target.python_memory != PythonMemory::none) return profile_allocations(target, command_refused);
    auto subject = ProfileSubject::prepare(target, command_refused);
    if (!subject) return subject.forward();
    if (!target.function.empty()) return profile_functions(target, *subject, command_refused);
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
    out.notes = notes_of(health);
    out.unknown_stacks = health.unknown_stacks;
    out.bytes = health.bytes;
    out.bpf_seconds = sampler.bpf_run_seconds();
    out.profile = std::move(sums).profile(target);
    return out;
}

}  // namespace autotune::cli
