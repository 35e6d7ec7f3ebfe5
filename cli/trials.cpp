#include "cli/trials.hpp"

#include <algorithm>
#include <numeric>

#include "rules/canary/judge.hpp"
#include "rules/canary/pairing.hpp"
#include "rules/effect/effect.hpp"

namespace autotune::cli {

namespace {
constexpr Nanos kPausePerCall = std::chrono::microseconds(20);  // judging takes about one for each

// The judge needs identity, times and ends; the rest of a record may be megabytes of peers, files and calls.
Invocation trimmed(const Invocation& full) {
    Invocation slim = full;
    slim.peers.clear();
    slim.files.clear();
    slim.calls.clear();
    return slim;
}
}  // namespace

Status Trials::follow(std::span<const ChangeRecord> open) {
    const auto observing = [&](ChangeId id) {
        return std::any_of(open.begin(), open.end(),
                           [&](const ChangeRecord& c) { return c.id == id && c.step == Step::observing; });
    };
    std::erase_if(trials_, [&](const auto& t) { return !observing(t.first); });
    std::erase_if(functions_, [&](const auto& f) { return !observing(f.first); });
    for (const ChangeRecord& change : open) {
        if (change.step != Step::observing || trials_.contains(change.id)) continue;
        if (!makes_version(change.action.change)) {
            trials_[change.id].since = change.candidate_published;
            functions_[change.id] = change.action.target;
            continue;
        }
        auto known = store_.invocations_since(change.action.target, change.candidate_published);
        if (!known) return known.forward("reading the calls that judge a canary");
        Trial& trial = trials_[change.id];
        std::transform(known->begin(), known->end(), std::back_inserter(trial.calls), trimmed);
        functions_[change.id] = change.action.target;
    }
    return ok();
}

void Trials::add(std::span<const Invocation> finished) {
    for (auto& [id, trial] : trials_) {
        const FunctionRef& function = functions_.at(id);
        for (const Invocation& call : finished) {
            if (call.function != function || call.wall_start < trial.since) continue;
            trial.calls.push_back(trimmed(call));
            trial.news = true;
        }
    }
}

void Trials::add(std::span<const ThrottledCall> throttled) {
    for (auto& [id, trial] : trials_) {
        const FunctionRef& function = functions_.at(id);
        for (const ThrottledCall& call : throttled) {
            if (call.function != function || call.at < trial.since) continue;
            ++trial.throttled;
            trial.news = true;
        }
    }
}

JudgeReport Trials::effect(const Change& change, const Trial& trial, const CanaryPolicy& policy, bool over) {
    const Setting setting = *setting_of(change);
    rules::EffectSeen seen{.before = setting.before, .after = {}};
    if (std::holds_alternative<KeepWarm>(change)) {
        std::vector<Invocation> kept;  // whose environment was ready before they came
        for (const Invocation& call : trial.calls) {
            if (call.wall_start - call.init < trial.since) continue;  // it came, and waited, before they were ready
            seen.after.calls += call.stands_for;
            seen.after.bad += call.cold ? call.stands_for : 0;
            if (call.kept_warm) kept.push_back(call);
        }
        seen.beyond = rules::began_beyond(kept, setting.from.value_or(0));
        seen.served = "were served by an environment that is kept since";
        seen.none_served = "no call since was served by an environment that is kept since";
    } else {
        // As before: fn.invocations counts those that were not told, too.
        const std::uint64_t served = std::accumulate(trial.calls.begin(), trial.calls.end(), std::uint64_t{0},
                                                     [](std::uint64_t sum, const Invocation& call) { return sum + call.stands_for; });
        seen.after = {.calls = served + trial.throttled, .bad = trial.throttled};
        seen.beyond = setting.from ? rules::began_beyond(trial.calls, *setting.from) : 0;
        seen.beyond_counts = setting.from.has_value();
    }
    return rules::judge_effect(seen, policy, over ? rules::Horizon::reached : rules::Horizon::open);
}

std::optional<JudgeReport> Trials::judge(const ChangeRecord& change, WallTime now) {
    const auto found = trials_.find(change.id);
    if (found == trials_.end() || !change.action.canary) return std::nullopt;
    Trial& trial = found->second;
    const bool over = now - change.candidate_published >= change.action.canary->horizon;
    const Nanos pause = kPausePerCall * static_cast<std::int64_t>(trial.calls.size());
    if (over == trial.over && (!trial.news || now - trial.judged < pause)) return std::nullopt;
    trial.news = false;
    trial.over = over;
    trial.judged = now;
    if (!makes_version(change.action.change))
        return effect(change.action.change, trial, *change.action.canary, over);
    const rules::PairingOptions pairing{
        .baseline = change.before.stable, .candidate = change.candidate, .from = change.candidate_published};
    return rules::judge(rules::pair_calls(trial.calls, pairing), *change.action.canary,
                        over ? rules::Horizon::reached : rules::Horizon::open);
}

void Trials::ask_again(ChangeId id) {
    if (const auto found = trials_.find(id); found != trials_.end()) found->second.news = true;
}

std::optional<Disposition> verdict(const JudgeReport& report, const CanaryPolicy& policy) {
    switch (report.decision) {
        case JudgeReport::Decision::promote: return Disposition::promoted;
        case JudgeReport::Decision::rollback: return Disposition::rolled_back;
        case JudgeReport::Decision::hold:
            if (policy.on_hold == CanaryPolicy::OnHold::revert) return Disposition::reverted;
            break;
        case JudgeReport::Decision::waiting: break;
    }
    return std::nullopt;
}

}  // namespace autotune::cli
