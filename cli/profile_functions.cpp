#include "cli/profile_functions.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/bpf/bpf_source.hpp"
#include "analyzer/analyzer.hpp"
#include "cli/finished_invocations.hpp"
#include "cli/invocation_deeds.hpp"
#include "cli/joined_profiles.hpp"
#include "exporters/render/amount.hpp"

namespace autotune::cli {

namespace {

constexpr std::size_t kMostSamples = 2'000'000;  // of a function
constexpr std::size_t kMostShown = 200;          // invocations with frames of their own: the slowest
constexpr int kTries = 3;                        // to have an executor's deeds told

std::string name_of(const Finished& one) {
    char duration[32];
    std::snprintf(duration, sizeof duration, " %.3f ms", to_ms(one.duration));
    return one.id.str() + duration + (failed(one.status) ? " " + std::string(to_string(one.status)) : "") +
           (one.cold ? " cold" : "");
}

class Watch {
public:
    Watch(const ProfileTarget& target, ProfileSubject& subject) : target_(target), subject_(subject) {}

    // `allocations`: null, stacks are sampled.
    Status start(PythonAllocations* allocations) {
        Detail detail{.processes = subject_.processes(), .sample_hz = target_.hz};
        auto bpf = make_bpf_source();
        if (!bpf) return bpf.forward();
        bpf_ = std::move(*bpf);
        if (Status s = bpf_->focus(detail); !s) return s;
        if (Status s = bpf_->start(); !s) return s;
        if (allocations != nullptr) {
            deeds_ = allocation_deeds(target_, *allocations);
        } else {
            auto sampled = sampled_deeds(target_, *bpf_, detail);
            if (!sampled) return sampled.forward();
            deeds_ = std::move(*sampled);
        }
        return deeds_->start();
    }

    Status run() {
        for (bool last = false; !last;) {
            last = subject_.is_over();
            const auto polled = bpf_->poll(last ? Nanos(0) : kProfilePoll, batch_);
            if (!polled) return polled.forward();
            if (polled->told_until) boundaries_until_ = *polled->told_until;
            if (Status s = deeds_->poll(batch_); !s) return s;
            take({boundaries_until_, wall_at(clock_, boundaries_until_)});
        }
        if (Status s = bpf_->finish(batch_); !s) return s;
        if (Status s = deeds_->finish(batch_); !s) return s;
        count_losses();
        analyzer_.finish(batch_, {clock_.now(), clock_.wall()});
        keep_finished();
        return ok();
    }

    Result<LiveProfile> result() {
        if (finished_.count() == 0) return fail(Errc::not_found, "no invocation of " + target_.function + " has ended meanwhile");
        out_.took = subject_.took();
        out_.status = subject_.status();
        if (Status s = deeds_->conclude(out_); !s) return s.forward();
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
        JoinedProfiles joined;
        joined.add("", of(*wanted));
        out_.invocations = 1;
        return with(std::move(joined), finished_.function_of(*wanted) + " " + name_of(*wanted));
    }

private:
    void count_losses() {
        for (const Event& event : batch_.events)
            if (const auto* lost = std::get_if<Lost>(&event.body)) out_.lost += lost->count;
    }
    // Executors, when they are first heard of.
    void meet() {
        for (const Event& event : batch_.events) {
            const auto* seen = std::get_if<ExecutorSeen>(&event.body);
            const auto* started = std::get_if<InvocationStarted>(&event.body);
            if (seen == nullptr && started == nullptr) continue;
            const std::string name(batch_.tables.strings[seen != nullptr ? seen->function : started->function]);
            if (fnmatch(target_.function.c_str(), name.c_str(), 0) != 0) continue;
            const auto [known, fresh] = met_.try_emplace({event.process.pid, event.process.start_ns}, kTries);
            int& tries_left = known->second;
            if (tries_left == 0) continue;
            switch (deeds_->expect(event.process, started != nullptr)) {
                case InvocationDeeds::Expected::told:
                    tries_left = 0;
                    std::fprintf(stderr, "autotune profile: found %s in process %d\n", name.c_str(), event.process.pid);
                    break;
                case InvocationDeeds::Expected::untold: --tries_left; break;
                case InvocationDeeds::Expected::later: break;
            }
        }
    }
    void take(Instant now) {
        meet();
        count_losses();
        analyzer_.ingest(batch_, now);
        batch_.events.clear();
        keep_finished();
    }
    void keep_finished() {
        for (const Invocation& one : analyzer_.take_finished())
            if (fnmatch(target_.function.c_str(), one.function.name.c_str(), 0) == 0) finished_.add(one);
    }

    [[nodiscard]] Profile of(const Finished& one) const {
        return analyzer_.profile({.function = finished_.function_of(one), .invocation = one.id, .of = deeds_->kind()},
                                 batch_.tables);
    }
    LiveProfile with(JoinedProfiles joined, const std::string& title) {
        out_.profile = std::move(joined).build(title + deeds_->title());
        deeds_->mark(out_.profile);
        out_.lost += analyzer_.counters().samples_replaced;
        return std::move(out_);
    }
    // Of all invocations: what of all that was told is none's.
    LiveProfile with_outside(JoinedProfiles joined, const std::string& title) {
        LiveProfile out = with(std::move(joined), title);
        if (const std::uint64_t all = deeds_->weight(); all > out.profile.total())
            out.notes.push_back(render::human_amount(out.profile.unit, all - out.profile.total()) +
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
        JoinedProfiles joined;
        const auto names = functions();
        for (const std::string& name : names)
            joined.add(names.size() > 1 ? name : "",
                       analyzer_.profile({.function = name, .of = deeds_->kind()}, batch_.tables));
        out_.invocations = finished_.count();
        return with_outside(std::move(joined), title());
    }
    Result<LiveProfile> each() {
        JoinedProfiles joined;
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
                                          .of = deeds_->kind()},
                                         batch_.tables);
        if (both.total() == 0 && both.total_before() == 0)
            return fail(Errc::not_found, "nothing to compare: " + both.title);
        out_.profile = std::move(both);
        deeds_->mark(out_.profile);
        out_.invocations = finished_.count();
        out_.lost += analyzer_.counters().samples_replaced;
        return std::move(out_);
    }

    const ProfileTarget& target_;
    ProfileSubject& subject_;
    SystemClock clock_;
    Timestamp boundaries_until_;  // those before are known
    std::unique_ptr<BpfSource> bpf_;
    std::unique_ptr<InvocationDeeds> deeds_;
    Analyzer analyzer_{{.hold_back = 5 * kProfilePoll, .samples_per_function = kMostSamples}};
    EventBatch batch_;
    FinishedInvocations finished_;
    std::map<std::pair<std::int32_t, std::uint64_t>, int> met_;  // executors, and how often they may be expected again
    LiveProfile out_;
};

}  // namespace

Result<LiveProfile> profile_functions(const ProfileTarget& target, ProfileSubject& subject, PythonAllocations* allocations,
                                      bool& command_refused) {
    Watch watch(target, subject);
    if (Status s = watch.start(allocations); !s) return s.forward();
    if (Status s = subject.begin(command_refused); !s) return s.forward();
    if (target.command.empty())
        std::fprintf(stderr, "autotune profile: watching for %s%s\n", target.function.c_str(),
                     target.duration ? "" : "; Ctrl-C ends it");
    if (Status s = watch.run(); !s) return s.forward();
    return watch.result();
}

}  // namespace autotune::cli
