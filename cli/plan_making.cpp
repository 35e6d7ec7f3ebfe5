#include "cli/plan_making.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>

#include "cli/planning.hpp"
#include "cli/regrouping.hpp"
#include "cli/remedy_layer.hpp"
#include "cli/rules_file.hpp"
#include "cli/state_folder.hpp"
#include "knowledge/sqlite_store.hpp"
#include "providers/aws_lambda.hpp"
#include "providers/executor.hpp"
#include "rules/engine.hpp"

namespace autotune::cli {

namespace {

// An executor that only plans has nothing to remember.
class Forgetful final : public KnowledgeStore {
public:
    Result<ChangeId> open_change(const ChangeRecord&) override { return ChangeId(0); }
    Status save_change(const ChangeRecord&) override { return ok(); }
    Result<std::vector<ChangeRecord>> unfinished_changes() override { return std::vector<ChangeRecord>(); }
    Result<std::vector<ChangeRecord>> changes(std::size_t) override { return std::vector<ChangeRecord>(); }
    Result<std::vector<ChangeRecord>> changes_since(WallTime) override { return std::vector<ChangeRecord>(); }
    Status append(std::span<const Invocation>) override { return ok(); }
    Result<std::vector<Invocation>> invocations_since(const FunctionRef&, WallTime) override {
        return std::vector<Invocation>();
    }
    Status forget(WallTime) override { return ok(); }
};

using Labels = std::map<FunctionRef, std::map<std::string, std::string>>;

// Only where rules ask for them. A function whose labels cannot be read has none, as in the loop.
Labels labels_of(const std::vector<FunctionRef>& functions, const rules::RuleSet& rules, Provider& provider) {
    Labels out;
    const bool asked = std::any_of(rules.rules.begin(), rules.rules.end(),
                                   [](const rules::Rule& r) { return !r.scope.labels.empty(); });
    for (const FunctionRef& function : functions) {
        if (!asked || function.provider != provider.name()) continue;
        auto state = provider.get(function);
        if (state)
            out[function] = std::move(state->labels);
        else
            std::cerr << "autotune: reading labels of " << function.name << ": " << state.error().message
                      << "\n";
    }
    return out;
}

// All that the platform still has; nullopt where it tells nothing.
Result<std::optional<Observations>> observed_by(Provider& provider) {
    Observations all;
    std::string from(kOldestObservation);
    for (bool more = true; more;) {
        auto page = provider.observe(from);
        if (!page && page.error().code == Errc::unsupported) return std::optional<Observations>();
        if (!page) return page.forward();
        std::move(page->throttled.begin(), page->throttled.end(), std::back_inserter(all.throttled));
        std::move(page->answered.begin(), page->answered.end(), std::back_inserter(all.answered));
        more = page->more;
        from = std::move(page->next);
    }
    return std::optional(std::move(all));
}

// Most plans need no folder.
Result<rules::Regrouped> regroup_into(OwnedFolder& packages, RegroupPlace place, const FunctionRef& function,
                                      const rules::ReclusterStep& step) {
    if (packages.path().empty()) {
        const char* temporary = std::getenv("TMPDIR");
        auto made = OwnedFolder::make(temporary != nullptr && *temporary != '\0' ? temporary : "/tmp");
        if (!made) return made.forward();
        packages = *std::move(made);
    }
    place.packages = packages.path();
    return regroup(place, function, step);
}

Result<Plan> planned_from(SqliteStore& store, const rules::RuleSet& rules, Provider& provider, WallTime now,
                          const rules::Regrouper& regrouper) {
    const WallTime from = recorded_since(rules, now);
    auto functions = store.functions_since(from);
    if (!functions) return functions.forward();
    const auto observed = observed_by(provider);
    if (!observed) return observed.forward();
    std::vector<Invocation> invocations;
    for (const FunctionRef& function : *functions) {
        auto more = store.invocations_since(function, from);
        if (!more) return more.forward();
        std::move(more->begin(), more->end(), std::back_inserter(invocations));
    }
    if (*observed)  // a function whose calls are all refused has no invocations
        for (const ThrottledCall& call : (*observed)->throttled)
            if (std::find(functions->begin(), functions->end(), call.function) == functions->end()) functions->push_back(call.function);
    auto changes = store.changes_since(now - rules::kBumpMemory);
    if (!changes) return changes.forward();
    auto told = store.changes(kLatestTold);
    if (!told) return told.forward();
    for (ChangeRecord& record : *told)
        if (record.disposition == Disposition::notified) changes->push_back(std::move(record));
    const Labels labels = labels_of(*functions, rules, provider);
    const std::map<std::string, Capabilities> platforms{
        {std::string(provider.name()), provider.capabilities()}};
    return plan_from(
        rules, {.invocations = invocations, .changes = *changes, .labels = labels, .platforms = platforms,
                .observed = *observed ? &**observed : nullptr,
                .regrouper = regrouper},
        now);
}

// What the platform would be asked, or why it would not be.
Result<PlannedAction> ask_platform(Action action, Executor& executor) {
    PlannedAction out{.action = action, .requests = {}, .impossible = {}};
    action.mode = Mode::dry_run;
    const auto started = executor.start(action);
    if (!started && started.error().code == Errc::not_found) {  // removed since it was last seen to run
        out.impossible = started.error().message;
        return out;
    }
    if (!started) return started.forward();
    for (Outcome& outcome : executor.take_outcomes()) {
        if (outcome.disposition == Disposition::refused) out.impossible = std::move(outcome.detail);
        if (outcome.disposition == Disposition::planned) out.requests = std::move(outcome.detail);
    }
    return out;
}

}  // namespace

Result<PlanReport> make_plan(const PlanRequest& request) {
    const auto rules = load_rules_file(request.rules);
    if (!rules) return fail(Errc::invalid_argument, rules.error().message);
    if (!rules->rules) return fail(Errc::invalid_argument, "");  // it was said why
    auto options = options_from_environment();
    if (!options) return fail(Errc::invalid_argument, options.error().message);
    auto store = SqliteStore::open_read_only(store_file(request.state));
    if (!store) return store.forward();
    const SystemClock clock;
    AwsLambda provider(std::move(*options), clock);
    const WallTime now = clock.wall();
    OwnedFolder own;
    OwnedFolder& packages = request.packages != nullptr ? *request.packages : own;
    const RegroupPlace place{.provider = provider, .state = request.state, .packages = {}, .alias = request.alias};
    auto planned = planned_from(
        **store, *rules->rules, provider, now,
        [&](const FunctionRef& f, const rules::ReclusterStep& s) { return regroup_into(packages, place, f, s); });
    if (!planned) return planned.forward();
    Forgetful nothing;
    Executor executor(provider, nothing, clock, {.alias = request.alias, .layer = remedy_layer()});
    PlanReport report{
        .rules_file = request.rules, .at = now, .actions = {}, .refused = std::move(planned->refused)};
    for (Action& action : planned->actions) {
        auto one = ask_platform(std::move(action), executor);
        if (!one) return one.forward();
        report.actions.push_back(std::move(*one));
    }
    return report;
}

}  // namespace autotune::cli
