// autotune apply FUNCTION…: what autotune plan shows, carried out by the agent.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/caller.hpp"
#include "cli/commands.hpp"
#include "cli/deployments.hpp"
#include "cli/exit_status.hpp"
#include "cli/left_actions.hpp"
#include "cli/plan_making.hpp"
#include "cli/state_folder.hpp"
#include "os/file.hpp"
#include "os/owned_folder.hpp"

namespace autotune::cli {

namespace {

int refuse(const std::string& why, int status) {
    if (!why.empty()) std::cerr << "autotune apply: " << why << "\n";
    return status;
}

// What is deployed goes with its package, into a folder of its own.
Status leave_one(const Action& action, const std::filesystem::path& state) {
    const auto* deploy = std::get_if<Deploy>(&action.change);
    if (deploy == nullptr) return leave(applications_folder(state), action);
    const auto zip = read_file(deploy->package);
    return zip ? leave(deployments_folder(state), action, *zip) : Status(zip.forward());
}

// Leaves those that can be done; how many.
Result<std::size_t> leave_all(PlanReport& report, const std::filesystem::path& state, const std::string& who) {
    std::size_t left = 0;
    for (PlannedAction& planned : report.actions) {
        Action& action = planned.action;
        if (!planned.impossible.empty() || std::holds_alternative<Notify>(action.change)) continue;
        action.mode = Mode::apply;
        action.because += "; applied by " + who;
        if (const Status done = leave_one(action, state); !done) return done.forward();
        ++left;
    }
    return left;
}

}  // namespace

int apply_command(int argc, char** argv) {
    CLI::App app("Carries out what autotune plan shows, though the rules file may say dry-run.", "autotune apply");
    app.footer(
        "examples:\n  autotune plan --rules rules.yaml              # first look\n"
        "  autotune apply checkout --rules rules.yaml\n  autotune apply --all --rules rules.yaml\n\n"
        "The agent of the state folder begins it as soon as its guardrails allow, judges the canary, and promotes it or takes\n"
        "it back (autotune history); an agent that runs with --mode dry-run only plans. What needs an approval waits for it.");
    PlanRequest request{.rules = {}, .alias = {}, .state = default_state_folder()};
    std::vector<std::string> functions;
    std::string who = caller();
    bool all = false, json = false;
    app.add_option("FUNCTION", functions, "whose change is carried out");
    app.add_flag("--all", all, "of all functions");
    app.add_option("--rules", request.rules, "rules file (docs/rules.md)")->required()->type_name("FILE");
    app.add_option("--by", who, "who applies it, for the journal")->type_name("NAME")->capture_default_str();
    app.add_option("--state", request.state, "state folder of the agent")->type_name("DIR")->capture_default_str();
    app.add_option("--alias", request.alias, "alias whose traffic is steered (default: the function's only one, else \"live\")");
    app.add_flag("--json", json, "what was planned, as JSON");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    if (all == !functions.empty()) return refuse("name functions, or say --all", kUsage);
    OwnedFolder packages;  // until they are left
    request.packages = &packages;
    auto report = make_plan(request);
    if (!report)
        return refuse(report.error().message, report.error().code == Errc::invalid_argument ? kUsage : kFailed);
    std::set<std::string> missing(functions.begin(), functions.end());
    std::erase_if(report->actions, [&](const PlannedAction& planned) {
        missing.erase(planned.action.target.name);
        return !all && std::find(functions.begin(), functions.end(), planned.action.target.name) == functions.end();
    });
    std::cout << (json ? plan_json(*report) : plan_text(*report));
    const auto left = leave_all(*report, request.state, who);
    if (!left) return refuse(left.error().message, kFailed);
    for (const std::string& name : missing) std::cerr << "autotune apply: nothing is planned for " << name << "\n";
    if (*left == 0) return refuse("there is nothing to carry out", kFailed);
    std::cerr << *left << (*left == 1 ? " change is left" : " changes are left") << " to the agent of "
              << request.state.string() << ", which begins as soon as its guardrails allow\n";
    return missing.empty() ? kDone : kFailed;
}

}  // namespace autotune::cli
