#include "cli/profile_functions.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/bpf/bpf_source.hpp"
#include "agent/symbols/sampler_source.hpp"
#include "analyzer/analyzer.hpp"
#include "cli/finished_invocations.hpp"
#include "cli/sampler_notes.hpp"
#include "core/profile_builder.hpp"

namespace autotune::cli {

namespace {

constexpr std::size_t kMostSamples = 2'000'000;  // of a function
constexpr std::size_t kMostShown = 200;          // invocations with frames of their own: the slowest

ProfileOf profile_of(symbols::SamplerMode mode) {
    switch (mode) {
        case symbols::SamplerMode::on_cpu: return ProfileOf::cpu;
        case symbols::SamplerMode::off_cpu: return ProfileOf::off_cpu;
        case symbols::SamplerMode::wall: return ProfileOf::wall;
        case symbols::SamplerMode::memory:
        case symbols::SamplerMode::growth: return ProfileOf::memory;
    }
    return ProfileOf::cpu;
}

// Several profiles as one, each below a frame of its own; "": below none.
class Joined {
public:
    void add(const std::string& name, const Profile& part) {
        const std::uint32_t top = name.empty() ? 0 : builder_.child(0, builder_.frame(name));
        std::vector<std::uint32_t> nodes(part.nodes.size(), top), frames(part.frames.size());
        for (std::size_t i = 0; i < frames.size(); ++i) frames[i] = builder_.frame(part.frames[i]);
        builder_.add(top, part.nodes.front().self);
        for (std::size_t i = 1; i < nodes.size(); ++i) {
            nodes[i] = builder_.child(nodes[part.nodes[i].parent], frames[part.nodes[i].frame]);
            builder_.add(nodes[i], part.nodes[i].self);
        }
        truncated_ += part.truncated;
        unit_ = part.unit;
        measure_ = part.measure;
    }
    Profile build(std::string title) && {
        Profile profile = std::move(builder_).build(std::move(title), unit_, truncated_);
        profile.measure = measure_;
        return profile;
    }

private:
    ProfileBuilder builder_;
    std::uint64_t truncated_ = 0;
    ProfileUnit unit_{};
    std::string measure_;
};

std::string name_of(const Finished& one) {
    char duration[32];
    std::snprintf(duration, sizeof duration, " %.3f ms", to_ms(one.duration));
    return one.id.str() + duration + (failed(one.status) ? " " + std::string(to_string(one.status)) : "") +
           (one.cold ? " cold" : "");
}

class Watch {
public:
    Watch(const ProfileTarget& target, ProfileSubject& subject) : target_(target), subject_(subject) {}

    Status start() {
        Detail detail{.processes = subject_.processes(), .sample_hz = target_.hz};
        auto bpf = make_bpf_source();
        if (!bpf) return bpf.forward();
        bpf_ = std::move(*bpf);
        if (Status s = bpf_->focus(detail); !s) return s;
        if (Status s = bpf_->start(); !s) return s;
        auto sampler = symbols::make_sampler_source({.tracked = bpf_->tracked_maps(),
                                                     .sample_hz = target_.hz,
                                                     .mode = target_.mode,
                                                     .kernel = target_.kernel,
                                                     .run_time = target_.cost});
        if (!sampler) return sampler.forward();
        sampler_ = std::move(*sampler);
        if (Status s = sampler_->focus(detail); !s) return s;
        return sampler_->start();
    }

    Status run() {
        for (bool last = false; !last;) {
            last = subject_.is_over();
            if (auto polled = bpf_->poll(last ? Nanos(0) : kProfilePoll, batch_); !polled) return polled.forward();
            if (auto polled = sampler_->poll(Nanos(0), batch_); !polled) return polled.forward();
            take();
        }
        if (Status s = sampler_->finish(batch_); !s) return s;
        if (Status s = bpf_->finish(batch_); !s) return s;
        count();
        analyzer_.finish(batch_, {clock_.now(), clock_.wall()});
        keep_finished();
        return ok();
    }

    Result<LiveProfile> result() {
        if (finished_.count() == 0) return fail(Errc::not_found, "no invocation of " + target_.function + " has ended meanwhile");
        out_.took = subject_.took();
        out_.status = subject_.status();
        const symbols::SamplerHealth health = sampler_->health();
        out_.unknown_stacks = health.unknown_stacks;
        out_.bytes = health.bytes;
        out_.notes = sampler_notes(health);
        out_.bpf_seconds = sampler_->bpf_run_seconds() + bpf_->bpf_run_seconds();
        if (target_.invocation.empty()) return all();
        if (target_.invocation == "each") return each();
        if (target_.invocation == kSlowAgainstMedian) return slow_against_median();
        const std::vector<Finished>& known = finished_.sorted();
        const auto wanted = target_.invocation == "slowest" ? known.begin()
                                                            : std::ranges::find_if(known, [&](const Finished& one) {
                                                                  return one.id.view() == target_.invocation;
                                                              });
        if (wanted == known.end())
            return fail(Errc::not_found, "no invocation " + target_.invocation + " has ended meanwhile" +
                                             (finished_.only_counted() > 0 ? ", or it was a quick one of too many" : ""));
        Joined joined;
        joined.add("", of(*wanted));
        out_.invocations = 1;
        return with(std::move(joined), finished_.function_of(*wanted) + " " + name_of(*wanted));
    }

private:
    void count() {
        for (const Event& event : batch_.events) {
            if (const auto* lost = std::get_if<Lost>(&event.body)) out_.lost += lost->count;
            out_.samples += std::holds_alternative<StackSample>(event.body) ? 1 : 0;
        }
    }
    // Executors, when they are first heard of.
    void meet() {
        for (const Event& event : batch_.events) {
            const auto* seen = std::get_if<ExecutorSeen>(&event.body);
            const auto* started = std::get_if<InvocationStarted>(&event.body);
            if (seen == nullptr && started == nullptr) continue;
            const std::string name(batch_.tables.strings[seen != nullptr ? seen->function : started->function]);
            if (fnmatch(target_.function.c_str(), name.c_str(), 0) != 0 || !met_.insert(event.process.pid).second) continue;
            sampler_->expect(event.process);
            std::fprintf(stderr, "autotune profile: found %s in process %d\n", name.c_str(), event.process.pid);
        }
    }
    void take() {
        meet();
        count();
        analyzer_.ingest(batch_, {clock_.now(), clock_.wall()});
        batch_.events.clear();
        keep_finished();
    }
    void keep_finished() {
        for (const Invocation& one : analyzer_.take_finished())
            if (fnmatch(target_.function.c_str(), one.function.name.c_str(), 0) == 0) finished_.add(one);
    }

    [[nodiscard]] Profile of(const Finished& one) const {
        return analyzer_.profile({.function = finished_.function_of(one), .invocation = one.id, .of = profile_of(target_.mode)},
                                 batch_.tables);
    }
    LiveProfile with(Joined joined, const std::string& title) {
        const char* measure = target_.mode == symbols::SamplerMode::growth ? "mapped_space" : nullptr;
        out_.profile = std::move(joined).build(title);
        if (measure != nullptr) out_.profile.measure = measure;
        if (target_.mode == symbols::SamplerMode::on_cpu)
            out_.profile.period = 1'000'000'000 / std::max(target_.hz, 1u);
        out_.lost += analyzer_.counters().samples_replaced;
        return std::move(out_);
    }
    [[nodiscard]] std::set<std::string> functions() const {
        return {finished_.functions().begin(), finished_.functions().end()};
    }
    [[nodiscard]] std::string title() const {
        const auto names = functions();
        return (names.size() == 1 ? *names.begin() : target_.function) + ", " + std::to_string(finished_.count()) +
               " invocations";
    }
    Result<LiveProfile> all() {
        Joined joined;
        const auto names = functions();
        for (const std::string& name : names)
            joined.add(names.size() > 1 ? name : "",
                       analyzer_.profile({.function = name, .of = profile_of(target_.mode)}, batch_.tables));
        out_.invocations = finished_.count();
        return with(std::move(joined), title());
    }
    Result<LiveProfile> each() {
        Joined joined;
        const std::vector<Finished>& known = finished_.sorted();
        for (std::size_t i = 0; i < known.size(); ++i)
            joined.add(i < kMostShown ? name_of(known[i])
                                      : "[the other " + std::to_string(known.size() - kMostShown) + " invocations]",
                       of(known[i]));
        if (finished_.only_counted() > 0)
            out_.notes.push_back(std::to_string(finished_.only_counted()) + " quick invocations are not shown: too many ended");
        out_.invocations = finished_.count();
        return with(std::move(joined), title() + ", each");
    }

    Result<LiveProfile> slow_against_median() {
        const auto names = functions();
        if (names.size() > 1)
            return fail(Errc::invalid_argument,
                        target_.function + " matches " + std::to_string(names.size()) +
                            " functions; slow invocations are compared with those of one");
        Profile both = analyzer_.profile({.function = *names.begin(),
                                          .part = ProfilePart::slow_against_median,
                                          .of = profile_of(target_.mode)},
                                         batch_.tables);
        if (both.total() == 0 && both.total_before() == 0)
            return fail(Errc::not_found, "nothing to compare: " + both.title);
        if (target_.mode == symbols::SamplerMode::growth) both.measure = "mapped_space";
        out_.profile = std::move(both);
        out_.invocations = finished_.count();
        out_.lost += analyzer_.counters().samples_replaced;
        return std::move(out_);
    }

    const ProfileTarget& target_;
    ProfileSubject& subject_;
    SystemClock clock_;
    std::unique_ptr<BpfSource> bpf_;
    std::unique_ptr<symbols::SamplerSource> sampler_;
    Analyzer analyzer_{{.hold_back = 5 * kProfilePoll, .samples_per_function = kMostSamples}};
    EventBatch batch_;
    FinishedInvocations finished_;
    std::set<std::int32_t> met_;  // executors' pids
    LiveProfile out_;
};

}  // namespace

Result<LiveProfile> profile_functions(const ProfileTarget& target, ProfileSubject& subject, bool& command_refused) {
    Watch watch(target, subject);
    if (Status s = watch.start(); !s) return s.forward();
    if (Status s = subject.begin(command_refused); !s) return s.forward();
    if (target.command.empty())
        std::fprintf(stderr, "autotune profile: watching for %s%s\n", target.function.c_str(),
                     target.duration ? "" : "; Ctrl-C ends it");
    if (Status s = watch.run(); !s) return s.forward();
    return watch.result();
}

}  // namespace autotune::cli
