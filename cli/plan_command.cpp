// autotune plan: what the rules would do now, as a diff with reasons and the exact requests; nothing is
// changed.
#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/plan_making.hpp"
#include "cli/state_folder.hpp"

namespace autotune::cli {

int plan_command(int argc, char** argv) {
    CLI::App app("What the rules would do now, by the invocations on record; nothing is changed.",
                 "autotune plan");
    app.footer(
        "examples:\n  autotune plan --rules rules.yaml\n  autotune plan --rules rules.yaml --json | jq "
        "'.actions[].requests'\n\nThe platform is asked for the state of functions only; it is found as by "
        "autotune run.");
    PlanRequest request{.rules = {}, .alias = {}, .state = default_state_folder()};
    bool json = false;
    app.add_option("--rules", request.rules, "rules file (docs/rules.md)")->required()->type_name("FILE");
    app.add_option("--state", request.state, "state folder of the agent")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--alias", request.alias,
                   "alias whose traffic would be steered (default: the function's only one, else \"live\")");
    app.add_flag("--json", json, "as JSON");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    const auto report = make_plan(request);
    if (!report) {
        if (!report.error().message.empty()) std::cerr << "autotune plan: " << report.error().message << "\n";
        return report.error().code == Errc::invalid_argument ? kUsage : kFailed;
    }
    std::cout << (json ? plan_json(*report) : plan_text(*report));
    return kDone;
}

}  // namespace autotune::cli
