#include "rules/plan/steps.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace autotune::rules {

namespace {

void append(std::string& list, std::string_view item, std::string_view separator) {
    if (item.empty()) return;
    if (!list.empty()) list += separator;
    list += item;
}

// A change is proved on a share of the calls; a platform that cannot divide them gets no change.
std::string unable(const Capabilities* platform) {
    if (!platform) return "nothing is known of its platform";
    if (!platform->versions || !platform->weighted_routing)
        return "its platform cannot send a share of the calls to a new version, so nothing could be proved";
    return "";
}

const Tariff* tariff_of(const StepTask& task) {
    if (!task.tariffs) return nullptr;
    const auto found = std::find_if(task.tariffs->begin(), task.tariffs->end(),
                                    [&](const Tariff& t) { return t.name == task.platform->tariff; });
    return found == task.tariffs->end() ? nullptr : &*found;
}

Result<Proposal> resize(const StepTask& task, const ResizeStep& step) {
    if (std::string why = unable(task.platform); !why.empty()) return fail(Errc::unsupported, std::move(why));
    auto size = choose_size({.facts = task.facts,
                             .platform = *task.platform,
                             .step = step,
                             .attempts = task.attempts,
                             .max_cost_increase_pct = task.guardrails.max_cost_increase_pct,
                             .platform_tariff = tariff_of(task)});
    if (!size) return size.forward();
    return Proposal{size->resize, std::move(size->because), std::move(size->predicted), {}};
}

// The platform's longest time, for whatever is laid out over several pieces. Lambda's, and nobody's is longer.
constexpr Nanos kLongestLimit = std::chrono::seconds(900);

std::string expected(const WrapStep& step) {
    if (step.remedy == "handover") return "no call is killed at its deadline while its pieces are shorter than the limit";
    if (step.remedy == "map_reduce") return "no part is killed for its memory; what dies all the same is halved";
    if (step.remedy == "relocate") return "calls go where they are measured to be quickest";
    return "what is asked for again comes from memory";
}

Result<Proposal> wrap(const StepTask& task, const WrapStep& step) {
    if (std::string why = unable(task.platform); !why.empty()) return fail(Errc::unsupported, std::move(why));
    if (!task.platform->layers)
        return fail(Errc::unsupported, "its platform has no layers, from which the wrapper would work");
    const auto differing = task.facts.fn.integer(Fact::fn_nondeterministic);
    if (step.remedy == "cache" && step.settings.find(R"("of":"results")") != std::string::npos && differing.value_or(0) > 0)
        return fail(Errc::unsupported, "the same input was answered otherwise " + std::to_string(*differing) + " of " +
                                           std::to_string(task.facts.fn.integer(Fact::fn_repeated_inputs).value_or(0)) +
                                           " times that it came again, so its results must not be kept");
    if (const auto last = task.attempts.wraps.find(step.remedy); last != task.attempts.wraps.end())
        return fail(Errc::unsupported, last->second == Disposition::promoted
                                           ? "it was put around it within 30 days, and that did not end it"
                                           : "it was tried within 30 days and did not prove itself");
    Wrap change{.remedy = step.remedy, .settings = step.settings, .words = step.words, .timeout = {}, .layer = {}};
    if (step.pieces > 0) {
        const auto limit = task.facts.fn.duration(Fact::fn_timeout);
        if (!limit || *limit <= Nanos(0)) return fail(Errc::unsupported, "its time limit is not known");
        if (*limit >= kLongestLimit)
            return fail(Errc::unsupported, "its time limit is the platform's longest already, so nobody can wait for more pieces");
        change.timeout = std::min<Nanos>(kLongestLimit, std::chrono::ceil<std::chrono::seconds>(*limit) * step.pieces);
    }
    return Proposal{std::move(change), {}, expected(step), {}};
}

// What the load needs if attempts that were refused came as the others did, and a fifth more; repeated attempts of one caller
// make it too much, which `most` bounds.
std::uint32_t needed(std::uint32_t limit, const Tally& seen) {
    const std::uint64_t served = seen.calls - seen.bad;
    const double load = served > 0 ? static_cast<double>(limit) * static_cast<double>(seen.calls) / static_cast<double>(served) * 1.2
                                   : 2.0 * limit;
    return std::max(limit + 1, static_cast<std::uint32_t>(std::min(std::ceil(load), 1e6)));
}

Result<Proposal> reserve(const StepTask& task, const ConcurrencyStep& step) {
    if (task.platform == nullptr || !task.platform->concurrency)
        return fail(Errc::unsupported, "its platform reserves no concurrency");
    const FactSet& fn = task.facts.fn;
    const auto throttled = fn.integer(Fact::fn_throttles);
    if (!throttled) return fail(Errc::unsupported, "its platform does not tell which calls it refuses");
    if (*throttled <= 0) return fail(Errc::unsupported, "no call of it was refused");
    const Tally seen{.calls = static_cast<std::uint64_t>(*throttled + fn.integer(Fact::fn_invocations).value_or(0)),
                     .bad = static_cast<std::uint64_t>(*throttled)};
    const auto limit = fn.integer(Fact::fn_concurrency_limit);
    if (!limit && !step.reserve)
        return fail(Errc::unsupported, "the account's concurrency was used up, and it has no reservation that could be raised");
    if (limit == 0) return fail(Errc::unsupported, "a reservation of 0 switches it off");
    if (limit && *limit >= step.most)
        return fail(Errc::unsupported, "its reservation is " + std::to_string(*limit) + ", and the rule allows " + std::to_string(step.most));
    Reserve change{.from = {}, .to = step.reserve, .before = seen};
    if (limit) {
        change.from = static_cast<std::uint32_t>(*limit);
        change.to = std::min(step.most, needed(*change.from, seen));
    }
    if (*change.to <= task.attempts.largest_unproven_reservation)
        return fail(Errc::unsupported, std::to_string(task.attempts.largest_unproven_reservation) +
                                           " was tried within 30 days and did not prove itself");
    return Proposal{change, {}, "fewer calls are refused than " + std::to_string(seen.bad) + " of " + std::to_string(seen.calls), {}};
}

// What it takes to have them, in words: they are paid for whether they are called or not.
std::string price_of_waiting(std::uint32_t environments, const FactSet& fn) {
    std::string text = std::to_string(environments) + (environments == 1 ? " environment is" : " environments are") +
                       " paid for all the time, called or not";
    if (const auto size = fn.integer(Fact::fn_memory_mb))
        text += ": " + std::to_string(static_cast<std::int64_t>(std::llround(environments * static_cast<double>(*size) / 1024 * 86'400))) +
                " GB-s a day at " + std::to_string(*size) + " MB";
    return text;
}

// As many as were under way when one came that had to wait: with so many ready none had waited.
Result<Proposal> keep_warm(const StepTask& task, const KeepWarmStep& step) {
    if (task.platform == nullptr || !task.platform->warm)
        return fail(Errc::unsupported, "its platform keeps no environments ready");
    const FactSet& fn = task.facts.fn;
    const auto cold = fn.integer(Fact::fn_cold_starts), calls = fn.integer(Fact::fn_invocations);
    if (!cold || !calls) return fail(Errc::unsupported, "how many of its calls wait for a new environment is not known");
    if (*cold <= 0) return fail(Errc::unsupported, "no call of it waited for a new environment");
    const auto at_a_time = fn.integer(Fact::fn_cold_concurrency);
    if (!at_a_time || *at_a_time <= 0)
        return fail(Errc::unsupported, "how many of its calls were under way when one waited for a new environment is not known");
    const auto to = static_cast<std::uint32_t>(std::min<std::int64_t>(*at_a_time, step.most));
    if (to <= task.attempts.largest_unproven_warm)
        return fail(Errc::unsupported, std::to_string(task.attempts.largest_unproven_warm) +
                                           " kept warm was tried within 30 days and did not prove itself");
    KeepWarm change{.alias = {}, .from = {}, .to = to, .before = {.calls = static_cast<std::uint64_t>(*calls), .bad = static_cast<std::uint64_t>(*cold)}};
    std::string because = "when calls waited for a new environment at most " + std::to_string(*at_a_time) + " were under way at a time";
    if (*at_a_time > to) because += ", and the rule allows " + std::to_string(step.most);
    because += "; " + price_of_waiting(to, fn);
    return Proposal{std::move(change), std::move(because),
                    "fewer calls wait for a new environment than " + std::to_string(*cold) + " of " + std::to_string(*calls), {}};
}

Result<Proposal> recluster(const StepTask& task, const ReclusterStep& step) {
    if (std::string why = unable(task.platform); !why.empty()) return fail(Errc::unsupported, std::move(why));
    if (const auto last = task.attempts.reclusterings.find(std::string(to_string(step.op))); last != task.attempts.reclusterings.end())
        return fail(Errc::unsupported, last->second == Disposition::promoted
                                           ? "it was done within 30 days, and that did not end it"
                                           : "it was tried within 30 days and did not prove itself");
    if (task.regrouper == nullptr || !*task.regrouper)
        return fail(Errc::unsupported, "who calls whom, and the code, is not known here");
    auto made = (*task.regrouper)(task.facts.function, step);
    if (!made) return made.forward();
    return Proposal{std::move(made->deploy), std::move(made->because), std::move(made->predicted), {}};
}

// All that can only be told, in one notification.
struct Telling {
    bool wanted = false;
    std::optional<Severity> severity;  // the highest asked for
    std::vector<std::string> remedies;

    void add(const NotifyStep& step) {
        wanted = true;
        severity = severity ? std::max(*severity, step.severity) : step.severity;
        add(step.suggest);
    }
    void add(const SuggestStep& step) {
        wanted = true;
        add(step.remedy);
    }
    void add(const Telling& other) {
        wanted = wanted || other.wanted;
        for (const std::string& remedy : other.remedies) add(remedy);
    }
    [[nodiscard]] Notify notify() const {
        Notify out{.severity = severity.value_or(Severity::warning), .suggest = {}};
        for (const std::string& r : remedies) append(out.suggest, r, ", ");
        return out;
    }
    [[nodiscard]] std::string only_told() const {
        std::string list = notify().suggest;
        return list.empty() ? list : "not carried out by this version: " + list;
    }

private:
    // "map-reduce" is said by "map-reduce over event.items" too.
    void add(const std::string& remedy) {
        const auto said = [&](const std::string& r) { return r.starts_with(remedy); };
        if (!remedy.empty() && std::none_of(remedies.begin(), remedies.end(), said))
            remedies.push_back(remedy);
    }
};

struct Attempt {
    std::string what;
    Result<Proposal> proposal;
    std::string else_told = {};  // what people are told to consider where it is not feasible
};

// nullopt: the step only tells.
std::optional<Attempt> attempt(const StepTask& task, const PlanStep& step) {
    if (const auto* r = std::get_if<ResizeStep>(&step.what)) return Attempt{"resize", resize(task, *r)};
    if (const auto* w = std::get_if<WrapStep>(&step.what)) return Attempt{w->remedy, wrap(task, *w)};
    if (const auto* c = std::get_if<ConcurrencyStep>(&step.what)) return Attempt{"concurrency", reserve(task, *c)};
    if (const auto* k = std::get_if<KeepWarmStep>(&step.what)) return Attempt{"keep_warm", keep_warm(task, *k)};
    if (const auto* r = std::get_if<ReclusterStep>(&step.what))
        return Attempt{std::string(to_string(r->op)), recluster(task, *r), "recluster: " + std::string(to_string(r->op))};
    return std::nullopt;
}

}  // namespace

Result<Proposal> propose(const StepTask& task) {
    Telling telling, in_vain;
    std::string not_done;
    for (const PlanStep& step : task.rule.plan) {
        if (step.only_if) {
            const Verdict verdict = holds(*step.only_if, task.facts, task.slo);
            if (verdict.truth != Truth::yes) {
                append(not_done,
                       verdict.truth == Truth::no ? "'" + step.only_if->text + "' does not hold"
                                                  : "'" + step.only_if->text + "': " + verdict.why_unknown,
                       "; ");
                continue;
            }
        }
        if (auto tried = attempt(task, step)) {
            if (tried->proposal) {
                tried->proposal->not_done = not_done;
                append(tried->proposal->not_done, telling.only_told(), "; ");
                return std::move(tried->proposal);
            }
            if (tried->proposal.error().code == Errc::unavailable) return tried->proposal.forward();
            if (!tried->else_told.empty()) in_vain.add(SuggestStep{tried->else_told});
            append(not_done, "no " + tried->what + ": " + tried->proposal.error().message, "; ");
        } else if (const auto* n = std::get_if<NotifyStep>(&step.what)) {
            telling.add(*n);
        } else {
            telling.add(std::get<SuggestStep>(step.what));
        }
    }
    telling.add(in_vain);
    if (!telling.wanted)
        return fail(Errc::unsupported, not_done.empty() ? "no step of its plan is feasible" : not_done);
    return Proposal{telling.notify(), {}, {}, std::move(not_done)};
}

}  // namespace autotune::rules
