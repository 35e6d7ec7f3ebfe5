#include "rules/plan/steps.hpp"

#include <algorithm>
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

Result<Proposal> resize(const StepTask& task, const ResizeStep& step) {
    if (std::string why = unable(task.platform); !why.empty()) return fail(Errc::unsupported, std::move(why));
    auto size = choose_size({.facts = task.facts,
                             .platform = *task.platform,
                             .step = step,
                             .attempts = task.attempts,
                             .max_cost_increase_pct = task.guardrails.max_cost_increase_pct});
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

}  // namespace

Result<Proposal> propose(const StepTask& task) {
    Telling telling;
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
        if (const auto* r = std::get_if<ResizeStep>(&step.what)) {
            auto proposal = resize(task, *r);
            if (proposal) {
                proposal->not_done = not_done;
                append(proposal->not_done, telling.only_told(), "; ");
                return proposal;
            }
            append(not_done, "no resize: " + proposal.error().message, "; ");
        } else if (const auto* w = std::get_if<WrapStep>(&step.what)) {
            auto proposal = wrap(task, *w);
            if (proposal) {
                proposal->not_done = not_done;
                append(proposal->not_done, telling.only_told(), "; ");
                return proposal;
            }
            append(not_done, "no " + w->remedy + ": " + proposal.error().message, "; ");
        } else if (const auto* n = std::get_if<NotifyStep>(&step.what)) {
            telling.add(*n);
        } else {
            telling.add(std::get<SuggestStep>(step.what));
        }
    }
    if (!telling.wanted)
        return fail(Errc::unsupported, not_done.empty() ? "no step of its plan is feasible" : not_done);
    return Proposal{telling.notify(), {}, {}, std::move(not_done)};
}

}  // namespace autotune::rules
