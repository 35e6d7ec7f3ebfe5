#include "cli/profile_functions.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/bpf/bpf_source.hpp"
#include "agent/symbols/sampler_source.hpp"
#include "analyzer/analyzer.hpp"
#include "cli/finished_invocations.hpp"
#include "cli/sampler_notes.hpp"
#include "core/profile_builder.hpp"
#include "exporters/render/amount.hpp"

namespace autotune::cli {

namespace {

constexpr std::size_t kMostSamples = 2'000'000;  // of a function
constexpr std::size_t kMostShown = 200;          // invocations with frames of their own: the slowest
constexpr std::size_t kMostNamed = 100'000;      // processes
constexpr int kTries = 3;                        // to have a process tell its allocations
constexpr std::size_t kMostUntold = 1'000;       // processes of which it is known why they do not

ProfileOf profile_of(const ProfileTarget& target) {
    if (target.python_memory != PythonMemory::none) return ProfileOf::memory;
    switch (target.mode) {
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
    Watch(const ProfileTarget& target, ProfileSubject& subject, PythonAllocations* allocations)
        : target_(target), subject_(subject), allocations_(allocations) {}

    Status start() {
        Detail detail{.processes = subject_.processes(), .sample_hz = target_.hz};
        auto bpf = make_bpf_source();
        if (!bpf) return bpf.forward();
        bpf_ = std::move(*bpf);
        if (Status s = bpf_->focus(detail); !s) return s;
        if (Status s = bpf_->start(); !s) return s;
        return allocations_ != nullptr ? start_telling() : start_sampling(detail);
    }

    Status run() {
        for (bool last = false; !last;) {
            last = subject_.is_over();
            if (auto polled = bpf_->poll(last ? Nanos(0) : kProfilePoll, batch_); !polled) return polled.forward();
            const Instant now{clock_.now(), clock_.wall()};  // boundaries are known up to here, however long the rest takes
            if (Status s = poll_deeds(); !s) return s;
            take(now);
        }
        if (allocations_ != nullptr)
            allocations_->finish(batch_);
        else if (Status s = sampler_->finish(batch_); !s)
            return s;
        if (Status s = bpf_->finish(batch_); !s) return s;
        if (allocations_ != nullptr) name_processes();
        count();
        analyzer_.finish(batch_, {clock_.now(), clock_.wall()});
        keep_finished();
        return ok();
    }

    Result<LiveProfile> result() {
        if (finished_.count() == 0) return fail(Errc::not_found, "no invocation of " + target_.function + " has ended meanwhile");
        out_.took = subject_.took();
        out_.status = subject_.status();
        if (allocations_ != nullptr && allocations_->files().processes() == 0) return unexpected(nothing_told());
        allocations_ != nullptr ? note_telling() : note_sampling();
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
    Status start_sampling(const Detail& detail) {
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
    // Of what runs already, before it says its next words. What is no CPython may start one.
    Status start_telling() {
        for (const std::int32_t pid : target_.pids) (void)has_told(pid);
        return ok();
    }
    Status poll_deeds() {
        if (allocations_ == nullptr) {
            auto polled = sampler_->poll(Nanos(0), batch_);
            return polled ? ok() : polled.forward();
        }
        allocations_->look(batch_);
        return ok();
    }

    bool expect(const ProcessId& process) {
        if (allocations_ != nullptr) return has_told(process.pid);
        sampler_->expect(process);
        return true;
    }
    // Does the process tell its allocations, from now on at the latest?
    bool has_told(std::int32_t pid) {
        if (allocations_->files().knows(pid)) return untold_.erase(pid), true;
        if (Status s = allocations_->bring_into(pid); !s) {
            // A bootstrap in shell script is another process each time.
            if (untold_.size() < kMostUntold || untold_.contains(pid))
                untold_[pid] = s.error().code == Errc::not_found
                                   ? "process " + std::to_string(pid) + " had ended before the library could be brought into it"
                                   : s.error().message;
            return false;
        }
        untold_.erase(pid);
        ++brought_;
        return true;
    }
    Error nothing_told() {
        if (untold_.empty()) return allocations_->nothing_told();
        return {Errc::unsupported, "no allocations were told: " + untold_.begin()->second};
    }
    void note_telling() {
        out_.samples = allocations_->files().counts().blocks;
        if (brought_ > 0)
            out_.notes.push_back(std::to_string(brought_) + (brought_ == 1 ? " process was" : " processes were") +
                                 " found while running: allocations before that are not known");
        if (!untold_.empty())
            out_.notes.push_back((untold_.size() == 1           ? "a process tells"
                                  : untold_.size() < kMostUntold ? std::to_string(untold_.size()) + " processes tell"
                                                                 : std::to_string(kMostUntold) + " processes or more tell") +
                                 std::string(" no allocations: ") + untold_.begin()->second);
        std::ranges::move(allocations_->notes(), std::back_inserter(out_.notes));
    }
    void note_sampling() {
        const symbols::SamplerHealth health = sampler_->health();
        out_.unknown_stacks = health.unknown_stacks;
        out_.bytes = health.bytes;
        out_.notes = sampler_notes(health);
        out_.bpf_seconds = sampler_->bpf_run_seconds() + bpf_->bpf_run_seconds();
    }
    void count() {
        for (const Event& event : batch_.events) {
            if (const auto* lost = std::get_if<Lost>(&event.body)) out_.lost += lost->count;
            out_.samples += std::holds_alternative<StackSample>(event.body) ? 1 : 0;  // of allocations their blocks are counted
        }
    }
    // Executors, when they are first heard of.
    void meet() {
        for (const Event& event : batch_.events) {
            const auto* seen = std::get_if<ExecutorSeen>(&event.body);
            const auto* started = std::get_if<InvocationStarted>(&event.body);
            if (seen == nullptr && started == nullptr) continue;
            // What was started with the library tells by itself, once its interpreter is there.
            if (started == nullptr && allocations_ != nullptr && !target_.command.empty()) continue;
            const std::string name(batch_.tables.strings[seen != nullptr ? seen->function : started->function]);
            if (fnmatch(target_.function.c_str(), name.c_str(), 0) != 0) continue;
            int& tries_left = met_.try_emplace({event.process.pid, event.process.start_ns}, kTries).first->second;
            if (tries_left == 0) continue;
            tries_left = expect(event.process) ? 0 : tries_left - 1;
            if (tries_left == 0 && !untold_.contains(event.process.pid))
                std::fprintf(stderr, "autotune profile: found %s in process %d\n", name.c_str(), event.process.pid);
        }
    }
    // A process calls itself what it is called to itself; whoever tells boundaries may know it as a part of what is
    // traced (a tree of processes), and when it began to the nanosecond: then it is that.
    void name_processes() {
        for (Event& event : batch_.events) {
            if (event.by == Backend::runtime) {
                if (const auto known = named_.find(event.process.pid); known != named_.end())
                    std::tie(event.process, event.cgroup) = known->second;
            } else if (named_.size() < kMostNamed || named_.contains(event.process.pid)) {
                named_[event.process.pid] = {event.process, event.cgroup};
            }
        }
    }
    void take(Instant now) {
        if (allocations_ != nullptr) name_processes();
        meet();
        count();
        analyzer_.ingest(batch_, now);
        batch_.events.clear();
        keep_finished();
    }
    void keep_finished() {
        for (const Invocation& one : analyzer_.take_finished())
            if (fnmatch(target_.function.c_str(), one.function.name.c_str(), 0) == 0) finished_.add(one);
    }

    [[nodiscard]] Profile of(const Finished& one) const {
        return analyzer_.profile({.function = finished_.function_of(one), .invocation = one.id, .of = profile_of(target_)},
                                 batch_.tables);
    }
    LiveProfile with(Joined joined, const std::string& title) {
        const char* measure = target_.mode == symbols::SamplerMode::growth ? "mapped_space" : nullptr;
        out_.profile = std::move(joined).build(title + (allocations_ != nullptr ? " (CPython's allocations)" : ""));
        if (measure != nullptr) out_.profile.measure = measure;
        if (allocations_ == nullptr && target_.mode == symbols::SamplerMode::on_cpu)
            out_.profile.period = 1'000'000'000 / std::max(target_.hz, 1u);
        out_.lost += analyzer_.counters().samples_replaced;
        return std::move(out_);
    }
    // Of all invocations: what of all that was told is none's.
    LiveProfile with_outside(Joined joined, const std::string& title) {
        LiveProfile out = with(std::move(joined), title);
        const std::uint64_t all = allocations_ != nullptr ? allocations_->files().journal_counts().bytes : 0;
        if (all > out.profile.total())
            out.notes.push_back(render::human_amount(ProfileUnit::bytes, all - out.profile.total()) +
                                " more were handed out outside of these invocations");
        return out;
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
                       analyzer_.profile({.function = name, .of = profile_of(target_)}, batch_.tables));
        out_.invocations = finished_.count();
        return with_outside(std::move(joined), title());
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
        return with_outside(std::move(joined), title() + ", each");
    }

    Result<LiveProfile> slow_against_median() {
        const auto names = functions();
        if (names.size() > 1)
            return fail(Errc::invalid_argument,
                        target_.function + " matches " + std::to_string(names.size()) +
                            " functions; slow invocations are compared with those of one");
        Profile both = analyzer_.profile({.function = *names.begin(),
                                          .part = ProfilePart::slow_against_median,
                                          .of = profile_of(target_)},
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
    PythonAllocations* allocations_;            // null: the sampler tells
    std::map<std::pair<std::int32_t, std::uint64_t>, int> met_;  // executors, and how often they may be expected again
    std::unordered_map<std::int32_t, std::pair<ProcessId, CgroupId>> named_;
    std::map<std::int32_t, std::string> untold_;  // why they tell no allocations
    std::uint64_t brought_ = 0;                 // the library, to so many processes
    LiveProfile out_;
};

}  // namespace

Result<LiveProfile> profile_functions(const ProfileTarget& target, ProfileSubject& subject, PythonAllocations* allocations,
                                      bool& command_refused) {
    Watch watch(target, subject, allocations);
    if (Status s = watch.start(); !s) return s.forward();
    if (Status s = subject.begin(command_refused); !s) return s.forward();
    if (target.command.empty())
        std::fprintf(stderr, "autotune profile: watching for %s%s\n", target.function.c_str(),
                     target.duration ? "" : "; Ctrl-C ends it");
    if (Status s = watch.run(); !s) return s.forward();
    return watch.result();
}

}  // namespace autotune::cli
