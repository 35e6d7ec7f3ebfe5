#include "cli/profile_live.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "agent/symbols/sampler_source.hpp"
#include "analyzer/stack_writer.hpp"
#include "cli/stop_signals.hpp"
#include "cli/traced_command.hpp"

namespace autotune::cli {

namespace {

constexpr Nanos kPoll = std::chrono::milliseconds(20);

bool is_there(std::int32_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

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
        std::string title;
        for (const std::string& word : target.command) title += (title.empty() ? "" : " ") + word;
        for (const std::int32_t pid : target.pids)
            title += (title.empty() ? "process " : ", ") + std::to_string(pid);
        Profile profile = std::move(stacks_).take(title + " (" + measure.shown + ")");
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
    command_refused = false;
    for (const std::int32_t pid : target.pids)
        if (!is_there(pid)) return fail(Errc::not_found, "no process has the id " + std::to_string(pid));
    const auto stop = stop_signals();
    if (!stop) return stop.forward();
    Detail detail{.processes = target.pids, .sample_hz = target.hz};
    std::optional<TracedCommand> command;
    if (!target.command.empty()) {
        if (const auto program = find_program(target.command.front()); !program) {
            command_refused = true;
            return program.forward();
        }
        auto prepared = TracedCommand::prepare(target.command, {});
        if (!prepared) return prepared.forward();
        command.emplace(*std::move(prepared));
        detail.processes = {command->pid()};
    }
    auto made = symbols::make_sampler_source(
        {.tracked = {}, .sample_hz = target.hz, .mode = target.mode, .kernel = target.kernel});
    if (!made) return made.forward();
    symbols::SamplerSource& sampler = **made;
    if (Status s = sampler.focus(detail); !s) return s.forward();
    if (Status s = sampler.start(); !s) return s.forward();
    const SystemClock clock;
    const Timestamp start = clock.now();
    if (command)
        if (Status s = command->release(); !s) {
            command_refused = true;
            return s.forward();
        }

    LiveProfile out;
    EventBatch batch;
    Sums sums(batch.tables);
    for (bool last = false; !last;) {
        if (command)
            last = command->ended().has_value();
        else
            last = std::none_of(target.pids.begin(), target.pids.end(), is_there);
        last |= target.duration && clock.now() - start >= *target.duration;
        signalfd_siginfo signal{};
        if (::read(stop->get(), &signal, sizeof signal) == sizeof signal) {
            // Ctrl-C reaches the command by itself.
            if (command && signal.ssi_code != SI_KERNEL) command->signal(static_cast<int>(signal.ssi_signo));
            last |= !command;
        }
        if (auto polled = sampler.poll(last ? Nanos(0) : kPoll, batch); !polled) return polled.forward();
        sums.take(batch, out);
    }
    if (Status s = sampler.finish(batch); !s) return s.forward();
    sums.take(batch, out);
    out.took = clock.now() - start;
    if (command && command->ended()) {
        const ExitStatus status = *command->ended();
        out.status = status.signal != 0 ? 128 + status.signal : status.code;
    }
    out.unknown_stacks = sampler.health().unknown_stacks;
    out.profile = std::move(sums).profile(target);
    return out;
}

}  // namespace autotune::cli
