#include "knowledge/catalogue.hpp"

#include <algorithm>
#include <cstdio>

namespace autotune {

namespace {

using By = Remedy::By;

std::string_view symptom_of(const Action& action) {
    for (const Symptom& symptom : symptoms())
        for (const auto& [name, value] : action.evidence.facts)
            if (const auto fact = find_fact(name);
                fact && std::find(symptom.facts.begin(), symptom.facts.end(), *fact) != symptom.facts.end())
                return symptom.name;
    return kOtherSymptom;
}

std::vector<std::string> remedies_of(const Change& change) {
    const auto* notify = std::get_if<Notify>(&change);
    if (!notify) {
        std::string kind(kind_of(change));
        std::replace(kind.begin(), kind.end(), '_', '-');
        return {std::move(kind)};
    }
    std::vector<std::string> out;
    std::string_view rest = notify->suggest;
    while (!rest.empty()) {
        constexpr std::string_view kBetween = ", ";
        const std::size_t end = rest.find(kBetween);
        out.emplace_back(rest.substr(0, end));
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + kBetween.size());
    }
    if (out.empty()) out.emplace_back("notify");
    return out;
}

std::string measured(const ChangeRecord& c) {
    if (!c.judged) return "";
    const JudgeReport& r = *c.judged;
    if (!makes_version(c.action.change)) return r.reason;
    char text[240];
    std::snprintf(text, sizeof text, "%llu pairs: %llu of %llu calls failed, before %llu of %llu; p95 %.1f ms, before %.1f ms",
                  static_cast<unsigned long long>(r.pairs), static_cast<unsigned long long>(r.canary_failures),
                  static_cast<unsigned long long>(r.canary_calls), static_cast<unsigned long long>(r.baseline_failures),
                  static_cast<unsigned long long>(r.baseline_calls), to_seconds(r.canary_p95) * 1e3,
                  to_seconds(r.baseline_p95) * 1e3);
    return text;
}

void count(RemedyRecord& record, Disposition disposition) {
    switch (disposition) {
        case Disposition::promoted: ++record.proved; break;
        case Disposition::rolled_back: ++record.harmful; break;
        case Disposition::reverted: ++record.not_proved; break;
        case Disposition::notified:
        case Disposition::planned: ++record.told; break;
        case Disposition::refused:
        case Disposition::failed: ++record.not_done; break;
        case Disposition::waiting:
        case Disposition::in_progress: ++record.under_way; break;
    }
}

std::size_t order_of(std::string_view symptom) {
    const auto& all = symptoms();
    return static_cast<std::size_t>(
        std::find_if(all.begin(), all.end(), [&](const Symptom& s) { return s.name == symptom; }) - all.begin());
}

}  // namespace

const std::vector<Symptom>& symptoms() {
    static const std::vector<Symptom> all{
        {"out-of-memory",
         "fn.oom_count > 0",
         "The kernel killed invocations because the sandbox's memory was full.",
         {Fact::fn_oom_count, Fact::fn_peak_memory_mb, Fact::fn_memory_use},
         {"autotune profile --black-box INVOCATION", "autotune profile --mode memory", "autotune history --invocations FUNCTION"},
         {{"resize", "More memory: used + 100 MiB or a fifth more, at most three times, behind a canary.", By::autotune},
          {"split", "Move what needs the memory into a function of its own."},
          {"map-reduce", "Work on parts of a list, each in an invocation of its own; a part that dies is halved. Put around Python and Node.js functions.",
           By::autotune}}},
        {"memory-growing",
         "fn.peak_memory_changed",
         "Invocations need more memory, or less, than they used to: a leak, or other inputs.",
         {Fact::fn_peak_memory_changed},
         {"autotune profile --mode memory", "autotune history --invocations FUNCTION"},
         {{"notify", "Compare memory by stack before and since."}}},
        {"timeout",
         "fn.timeout_rate > 0.01",
         "Invocations are killed at their deadline.",
         {Fact::fn_timeouts, Fact::fn_timeout_rate},
         {"autotune profile --black-box INVOCATION", "autotune profile --mode wall", "autotune trace --function FUNCTION"},
         {{"resize", "More memory buys CPU: where the work is on-CPU and the predicted p99 is well below the limit.", By::autotune},
          {"split", "Let a second function do the later part."},
          {"handover", "Go on in a fresh invocation before the deadline, from the state that the function declares. Put around Python and Node.js functions.",
           By::autotune}}},
        {"dependency-down",
         "dep.error_rate > 0.5 && dep.calls >= 10",
         "A service that the function needs refuses, resets or does not answer.",
         {Fact::dep_error_rate, Fact::dep_errors, Fact::fn_failed_deps},
         {"autotune topology", "autotune trace --function FUNCTION"},
         {{"notify", "Tell who runs it; changes of its dependents are frozen meanwhile.", By::autotune}}},
        {"data-latency",
         "fn.io_wait_share > 0.6",
         "Most of the time is spent waiting for the network or the disk.",
         {Fact::fn_io_wait_share, Fact::fn_io_wait_share_changed, Fact::dep_mean_wait},
         {"autotune profile --mode off-cpu", "autotune topology", "autotune trace --function FUNCTION"},
         {{"cache", "Keep answers of services as their Cache-Control allows, or results of functions that are declared safe. Put around Python and Node.js functions.",
           By::autotune},
          {"recluster", "Be one deployment with the functions that it waits for, where the 95 % interval of the predicted GB-s lies below today's; or several again. Python and Node.js functions.",
           By::autotune},
          {"relocate", "Run near what is waited for: copies at declared places, the quickest by measure serves. Put around Python and Node.js functions.",
           By::autotune}}},
        {"slower",
         "fn.p95_changed && fn.p95_change > 0.3",
         "Durations changed at some moment: other code, inputs or dependencies.",
         {Fact::fn_p50_changed, Fact::fn_p95_changed, Fact::fn_p99_changed, Fact::fn_cpu_changed, Fact::fn_p50_change,
          Fact::fn_p95_change, Fact::fn_p99_change},
         {"autotune profile --diff", "autotune history", "autotune history --invocations FUNCTION"},
         {{"notify", "Compare profiles of before and since."}}},
        {"cold-starts",
         "fn.cold_start_share > 0.1",
         "Many invocations wait for a new sandbox.",
         {Fact::fn_cold_starts, Fact::fn_cold_start_share, Fact::fn_cold_concurrency, Fact::fn_init_p95,
          Fact::fn_cold_start_share_changed, Fact::fn_init_changed},
         {"autotune profile --cold"},
         {{"keep-warm", "Initialise environments ahead and keep them for the alias, as many as were needed at a time, up to what the rule allows; kept only where fewer calls wait since. They are paid for while they wait.",
           By::autotune},
          {"notify", "Import later what few invocations need."}}},
        {"throttled",
         "fn.throttle_rate > 0.01",
         "The platform refuses calls: as many run already as its concurrency, or the function's own, allows.",
         {Fact::fn_throttles, Fact::fn_throttle_rate, Fact::fn_concurrency_limit},
         {"autotune history", "autotune explain ID"},
         {{"concurrency", "Raise what is reserved for the function, up to what the rule allows; kept only where fewer calls are refused since.",
           By::autotune},
          {"notify", "Slow callers down, answer sooner, or ask for a higher limit of the account."}}},
        {"non-deterministic",
         "fn.nondeterministic > 0",
         "The same version answered the same input in different ways.",
         {Fact::fn_nondeterministic, Fact::fn_repeated_inputs},
         {"autotune history --invocations FUNCTION", "autotune trace --function FUNCTION"},
         {{"notify", "Tell who wrote it, with two invocations that differed. Its results must not be cached.", By::autotune}}},
        {"compute-bound",
         "fn.oncpu_share > 0.8",
         "Nearly all of the time is work on the CPU, or waiting for one.",
         {Fact::fn_oncpu_share, Fact::fn_cpu_share, Fact::fn_cpu_p99},
         {"autotune profile", "autotune trace --function FUNCTION"},
         {{"resize", "More memory buys CPU in proportion; from 1769 MB on it takes threads to use it.", By::autotune}}},
        {"failing",
         "fn.error_rate > 0.05",
         "Invocations end with an error or a crash.",
         {Fact::fn_errors, Fact::fn_error_rate, Fact::fn_error_rate_changed, Fact::fn_crashes},
         {"autotune history --invocations FUNCTION", "autotune trace --function FUNCTION"},
         {{"notify", "Tell who wrote it, with the invocations that failed.", By::autotune}}},
    };
    return all;
}

std::vector<RemedyRecord> experience(std::span<const ChangeRecord> changes) {
    std::vector<RemedyRecord> out;
    for (const ChangeRecord& c : changes) {
        const std::string_view symptom = symptom_of(c.action);
        const Disposition disposition = c.step == Step::closed ? c.disposition : Disposition::in_progress;
        for (std::string& remedy : remedies_of(c.action.change)) {
            auto found = std::find_if(out.begin(), out.end(),
                                      [&](const RemedyRecord& r) { return r.symptom == symptom && r.remedy == remedy; });
            if (found == out.end())
                found = out.insert(out.end(), {.symptom = std::string(symptom), .remedy = std::move(remedy)});
            count(*found, disposition);
            if (found->latest.size() < kLatestCases)
                found->latest.push_back({c.opened, c.action.target.name, describe(c.action.change), c.action.rule,
                                         c.action.predicted, measured(c), disposition});
        }
    }
    std::stable_sort(out.begin(), out.end(), [](const RemedyRecord& a, const RemedyRecord& b) {
        return std::pair(order_of(a.symptom), std::string_view(a.remedy)) < std::pair(order_of(b.symptom), std::string_view(b.remedy));
    });
    return out;
}

}  // namespace autotune
