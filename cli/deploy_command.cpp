// autotune deploy FUNCTION --code PATH: new code, proved by the canary that every other change is proved by.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iostream>
#include <string>

#include "cli/arguments.hpp"
#include "cli/caller.hpp"
#include "cli/commands.hpp"
#include "cli/deployments.hpp"
#include "cli/exit_status.hpp"
#include "cli/state_folder.hpp"
#include "host/control/package.hpp"
#include "os/file.hpp"

namespace autotune::cli {

namespace {

// New code is never exactly as quick as old code, and nobody takes it back for that: half of the margin, or a
// millisecond, is no harm.
constexpr double kHarmPart = 0.5;
constexpr Nanos kNoDifference = std::chrono::milliseconds(1);

struct Request {
    std::string function, who;
    std::filesystem::path code, state = default_state_folder();
    CanaryPolicy canary;
    double horizon_h = 2;
};

int refuse(const std::string& why) {
    std::cerr << "autotune deploy: " << why << "\n";
    return kFailed;
}

// "app.zip"; of "app/": "app".
std::string words_of(const std::filesystem::path& code) {
    return (code.has_filename() ? code : code.parent_path()).filename().string();
}

int deploy(Request request) {
    const auto zip = std::filesystem::is_directory(request.code) ? host::pack(request.code) : read_file(request.code);
    if (!zip) return refuse(zip.error().message);
    request.canary.harm_margin = kHarmPart * request.canary.latency_margin;
    request.canary.indifference = kNoDifference;
    request.canary.horizon = std::chrono::duration_cast<Nanos>(std::chrono::duration<double, std::ratio<3600>>(request.horizon_h));
    Action action;
    action.target = {"aws-lambda", request.function};
    action.change = Deploy{.code_hash = {}, .package = {}, .words = words_of(request.code)};
    action.rule = "deploy";
    action.because = request.who + " asked for it";
    action.predicted = "it fails no more often and is no slower than the margins allow";
    action.mode = Mode::apply;
    action.canary = request.canary;
    if (const Status left = leave(deployments_folder(request.state), action, *zip); !left)
        return refuse(left.error().message);
    std::cerr << "left: " << describe(action.change) << " to " << request.function << "; the agent of "
              << request.state.string() << " begins as soon as the guardrails allow\n";
    return kDone;
}

}  // namespace

int deploy_command(int argc, char** argv) {
    CLI::App app("New code for a function: published as a version, tried on a share of the calls, and promoted or taken back.",
                 "autotune deploy");
    app.footer(
        "examples:\n  autotune deploy checkout --code ./checkout        # a folder, packed\n"
        "  autotune deploy checkout --code checkout.zip --weight 0.2 --horizon 6\n"
        "  autotune history                                  # what became of it\n\n"
        "The agent carries it out; nothing but the code changes. Without traffic nothing is proved: at the horizon the\n"
        "old version serves again.");
    Request request;
    request.who = caller();
    app.add_option("FUNCTION", request.function, "its name, no ARN")->required()->check(CLI::Validator(
        [](const std::string& name) {
            const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
                return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
            });
            return plain ? std::string() : "\"" + name + "\" is no function's name";
        },
        ""));
    app.add_option("--code", request.code, "folder, or zip archive")->required()->type_name("PATH")->check(CLI::ExistingPath);
    app.add_option("--weight", request.canary.weight, "share of the calls, at most what the rules' guardrails allow")
        ->capture_default_str()
        ->check(CLI::Range(0.001, 0.999));
    app.add_option("--latency-margin", request.canary.latency_margin, "how much slower a call may be")->capture_default_str()->check(CLI::Range(0.0, 10.0));
    app.add_option("--error-margin", request.canary.error_margin, "how many more may fail, as a share")->capture_default_str()->check(CLI::Range(0.0001, 1.0));
    app.add_option("--alpha", request.canary.alpha, "probability to promote what is worse")->capture_default_str()->check(CLI::Range(0.000001, 0.5));
    app.add_option("--horizon", request.horizon_h, "hours until it must be proved")->capture_default_str()->check(CLI::Range(0.001, 24.0 * 30));
    app.add_option("--by", request.who, "who deploys, for the journal")->type_name("NAME")->capture_default_str();
    app.add_option("--state", request.state, "state folder of the agent")->type_name("DIR")->capture_default_str();
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    return deploy(std::move(request));
}

}  // namespace autotune::cli
