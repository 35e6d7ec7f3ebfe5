#include "exporters/metrics/change_metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <array>

#include "exporters/metrics/gauge_set.hpp"
#include "exporters/metrics/label.hpp"

namespace autotune::exporters {
namespace {

using prometheus::BuildCounter;
using prometheus::Counter;
using prometheus::Family;
using LabelMap = std::map<std::string, std::string>;

constexpr std::array kEndings{Disposition::promoted, Disposition::rolled_back, Disposition::reverted,
                              Disposition::failed};

bool gets_traffic(Step step) { return step == Step::routing || step == Step::observing; }

// Held: the judge said so, or the horizon has passed without a verdict (no traffic, no judge).
bool held(const ChangeRecord& change, double waiting_seconds) {
    if (change.judged && change.judged->decision == JudgeReport::Decision::hold) return true;
    return change.action.canary && waiting_seconds > to_seconds(change.action.canary->horizon);
}

}  // namespace

struct ChangeMetrics::Impl {
    Impl(prometheus::Registry& registry, NameLimit& name_limit);

    NameLimit& names;
    Family<Counter>& plans;
    Family<Counter>& refusals;
    Family<Counter>& outcomes;
    GaugeSet in_progress;
    GaugeSet canary_held;
    GaugeSet canary_waiting;
    GaugeSet canary_weight;
    GaugeSet canary_pairs;
    GaugeSet canary_evidence;

    void count_plan(const Plan& plan);
    void expect_endings(const Action& action);
    void show_canary(const ChangeRecord& change, WallTime at);
};

ChangeMetrics::Impl::Impl(prometheus::Registry& registry, NameLimit& name_limit)
    : names(name_limit),
      plans(BuildCounter()
                .Name("autotune_plans_total")
                .Help("Actions that rules asked for, also in dry runs.")
                .Register(registry)),
      refusals(BuildCounter()
                   .Name("autotune_refusals_total")
                   .Help("Rules that fired and were not allowed to act, or lost to another.")
                   .Register(registry)),
      outcomes(
          BuildCounter().Name("autotune_outcomes_total").Help("What became of actions.").Register(registry)),
      in_progress(registry, "autotune_changes_in_progress", "Changes under way, by the step they are at."),
      canary_held(
          registry, "autotune_canary_held",
          "1 when a canary has waited its whole horizon without proof, 0 while it may still prove itself."),
      canary_waiting(registry, "autotune_canary_waiting_seconds",
                     "How long a canary's version has been published."),
      canary_weight(registry, "autotune_canary_weight", "Share of calls that go to the canary, 0 to 1."),
      canary_pairs(registry, "autotune_canary_pairs",
                   "Canary calls that found a baseline call to compare with."),
      canary_evidence(
          registry, "autotune_canary_log10_e",
          "Evidence so far as the logarithm of an E value: that latency, errors are within their margins "
          "(promote), or of harm (roll back).") {}

// The series of every way to end exist from the plan on: alerts look at their increase.
void ChangeMetrics::Impl::expect_endings(const Action& action) {
    if (!action.canary) return;
    const LabelMap labels{{"function", names.admit(action.target.name)}, {"rule", label_value(action.rule)}};
    for (const Disposition d : kEndings) {
        auto ending = labels;
        ending.emplace("disposition", to_string(d));
        outcomes.Add(ending);
    }
}

void ChangeMetrics::Impl::count_plan(const Plan& plan) {
    for (const Action& action : plan.actions) {
        plans
            .Add({{"rule", label_value(action.rule)},
                  {"function", names.admit(action.target.name)},
                  {"change", std::string(kind_of(action.change))}})
            .Increment();
        expect_endings(action);
    }
    for (const Refusal& refusal : plan.refused)
        refusals.Add({{"rule", label_value(refusal.rule)}, {"function", names.admit(refusal.target.name)}})
            .Increment();
}

void ChangeMetrics::Impl::show_canary(const ChangeRecord& change, WallTime at) {
    if (!gets_traffic(change.step)) return;
    const LabelMap labels{{"function", names.admit(change.action.target.name)}};
    const bool published = change.candidate_published.time_since_epoch() > Nanos(0);
    const double waiting = published ? std::max(0.0, to_seconds(at - change.candidate_published)) : 0;
    canary_waiting.set(labels, waiting);
    canary_held.set(labels, held(change, waiting) ? 1 : 0);
    const bool is_split = makes_version(change.action.change);  // else it is for all calls, and nothing is paired
    if (is_split && change.action.canary) canary_weight.set(labels, change.action.canary->weight);
    if (!change.judged) return;
    if (is_split) canary_pairs.set(labels, static_cast<double>(change.judged->pairs));
    const std::pair<const char*, double> tests[] = {{"latency", change.judged->log10_e_latency},
                                                    {"errors", change.judged->log10_e_errors},
                                                    {"harm", change.judged->log10_e_harm}};
    for (const auto& [test, value] : tests) {
        auto of_test = labels;
        of_test.emplace("test", test);
        canary_evidence.set(of_test, value);
    }
}

ChangeMetrics::ChangeMetrics(prometheus::Registry& registry, NameLimit& names)
    : impl_(std::make_unique<Impl>(registry, names)) {}
ChangeMetrics::~ChangeMetrics() = default;

void ChangeMetrics::publish(const Publication& step) {
    Impl& m = *impl_;
    if (step.plan != nullptr) m.count_plan(*step.plan);
    for (const Outcome& outcome : step.outcomes)
        m.outcomes
            .Add({{"rule", label_value(outcome.action.rule)},
                  {"function", m.names.admit(outcome.action.target.name)},
                  {"disposition", std::string(to_string(outcome.disposition))}})
            .Increment();

    const std::array gauges{&m.in_progress,   &m.canary_held,  &m.canary_waiting,
                            &m.canary_weight, &m.canary_pairs, &m.canary_evidence};
    for (GaugeSet* gauge : gauges) gauge->begin();
    std::map<LabelMap, double> at_step;
    for (const ChangeRecord& change : step.changes) {
        at_step[{{"function", m.names.admit(change.action.target.name)},
                 {"step", std::string(to_string(change.step))}}] += 1;
        m.expect_endings(change.action);
        m.show_canary(change, step.at);
    }
    for (const auto& [labels, count] : at_step) m.in_progress.set(labels, count);
    for (GaugeSet* gauge : gauges) gauge->end();
}

}  // namespace autotune::exporters
