// autotune plan: what the rules would do now, as a diff with reasons and the exact requests; nothing is
// changed.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/arguments.hpp"
#include "cli/change_json.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/plan_text.hpp"
#include "cli/planning.hpp"
#include "cli/remedy_layer.hpp"
#include "cli/rules_file.hpp"
#include "cli/state_folder.hpp"
#include "knowledge/sqlite_store.hpp"
#include "providers/aws_lambda.hpp"
#include "providers/executor.hpp"
#include "rules/engine.hpp"

namespace autotune::cli {

namespace {

struct Request {
    std::string rules, alias;
    std::filesystem::path state = default_state_folder();
    bool json = false;
};

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
            std::cerr << "autotune plan: reading labels of " << function.name << ": " << state.error().message
                      << "\n";
    }
    return out;
}

Result<Plan> make_plan(SqliteStore& store, const rules::RuleSet& rules, Provider& provider, WallTime now) {
    const WallTime from = recorded_since(rules, now);
    const auto functions = store.functions_since(from);
    if (!functions) return functions.forward();
    std::vector<Invocation> invocations;
    for (const FunctionRef& function : *functions) {
        auto more = store.invocations_since(function, from);
        if (!more) return more.forward();
        std::move(more->begin(), more->end(), std::back_inserter(invocations));
    }
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
        rules, {.invocations = invocations, .changes = *changes, .labels = labels, .platforms = platforms},
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

int complain(const Error& error, int status) {
    std::cerr << "autotune plan: " << error.message << "\n";
    return status;
}

int plan(const Request& request) {
    const auto rules = load_rules_file(request.rules);
    if (!rules) return complain(rules.error(), kUsage);
    if (!rules->rules) return kUsage;  // it was said why
    auto options = options_from_environment();
    if (!options) return complain(options.error(), kUsage);
    auto store = SqliteStore::open_read_only(store_file(request.state));
    if (!store) return complain(store.error(), kFailed);
    const SystemClock clock;
    AwsLambda provider(std::move(*options), clock);
    const WallTime now = clock.wall();
    auto planned = make_plan(**store, *rules->rules, provider, now);
    if (!planned) return complain(planned.error(), kFailed);
    Forgetful nothing;
    Executor executor(provider, nothing, clock, {.alias = request.alias, .layer = remedy_layer()});
    PlanReport report{
        .rules_file = request.rules, .at = now, .actions = {}, .refused = std::move(planned->refused)};
    for (Action& action : planned->actions) {
        auto one = ask_platform(std::move(action), executor);
        if (!one) return complain(one.error(), kFailed);
        report.actions.push_back(std::move(*one));
    }
    std::cout << (request.json ? plan_json(report) : plan_text(report));
    return kDone;
}

}  // namespace

int plan_command(int argc, char** argv) {
    CLI::App app("What the rules would do now, by the invocations on record; nothing is changed.",
                 "autotune plan");
    app.footer(
        "examples:\n  autotune plan --rules rules.yaml\n  autotune plan --rules rules.yaml --json | jq "
        "'.actions[].requests'\n\nThe platform is asked for the state of functions only; it is found as by "
        "autotune run.");
    Request request;
    app.add_option("--rules", request.rules, "rules file (docs/rules.md)")->required()->type_name("FILE");
    app.add_option("--state", request.state, "state folder of the agent")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--alias", request.alias,
                   "alias whose traffic would be steered (default: the function's only one, else \"live\")");
    app.add_flag("--json", request.json, "as JSON");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    return plan(request);
}

}  // namespace autotune::cli
