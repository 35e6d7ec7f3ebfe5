// autotune run: its arguments.
#include <CLI/CLI.hpp>

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/run_loop.hpp"
#include "os/file_limit.hpp"

namespace autotune::cli {

namespace {

// "1%", "0.5%"; off: none. nullopt in the first place: neither.
std::optional<std::optional<double>> parse_budget(const std::string& text) {
    if (text == "off") return std::optional<double>();
    char* end = nullptr;
    const double percent = std::strtod(text.c_str(), &end);
    if (end == text.c_str() || std::string_view(end) != "%" || !(percent > 0) || percent > 100'000)
        return std::nullopt;
    return std::optional(percent / 100);
}

std::optional<double> read_budget(const std::string& text) { return parse_budget(text).value_or(std::nullopt); }

constexpr double kShortestLease = 5, kLongestLease = 86'400;

// "60s"; "off": 0. Nothing else.
std::optional<Nanos> parse_lease(const std::string& text) {
    if (text == "off") return Nanos(0);
    char* end = nullptr;
    const double seconds = std::strtod(text.c_str(), &end);
    if (end == text.c_str() || std::string_view(end) != "s" || !(seconds >= kShortestLease) || seconds > kLongestLease)
        return std::nullopt;
    return std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(seconds));
}

std::string check_lease(const std::string& text) {
    return parse_lease(text) ? "" : "\"" + text + "\" is neither a time of 5s to 86400s nor off";
}

std::string check_budget(const std::string& text) {
    return parse_budget(text) ? "" : "\"" + text + "\" is neither a share like 1% nor off";
}

}  // namespace

int run_command(int argc, char** argv) {
    raise_file_limit();
    RunOptions options;
    std::string provider = "aws-lambda", mode = "dry-run";
    CLI::App app("Watches functions, explains what is wrong, and repairs what a rule lets it repair.",
                 "autotune run");
    app.footer(
        "examples:\n"
        "  autotune --rules rules.yaml                       say what would be done, change nothing\n"
        "  autotune --rules rules.yaml --mode apply          do it, behind a canary\n"
        "  AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:9000 autotune --rules rules.yaml\n\n"
        "The platform is found as by AWS's own tools: AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL, "
        "AWS_REGION,\n"
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.");
    app.add_option("--rules", options.rules, "rules file (docs/rules.md)")->required()->type_name("FILE");
    app.add_option("--provider", provider, "platform to steer")
        ->check(CLI::IsMember({"aws-lambda"}))
        ->capture_default_str();
    app.add_option("--mode", mode, "dry-run changes nothing; the rules file can be stricter, not laxer")
        ->check(CLI::IsMember({"dry-run", "apply"}))
        ->capture_default_str();
    app.add_option("--web.listen-address", options.listen,
                   "where /metrics, /-/healthy, /-/ready and reports are served; port 0: any")
        ->type_name("ADDRESS:PORT")
        ->capture_default_str();
    app.add_option("--state", options.state, "folder for the journal, invocations and reports")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--alias", options.alias,
                   "alias whose traffic is steered (default: the function's only one, else \"live\")");
    app.add_option("--notify", options.notify,
                   "also tell people there (may be repeated): webhook=URL (Alertmanager's format), alertmanager=URL,\n"
                   "slack=FILE, pagerduty=FILE, github=OWNER/REPO,FILE; FILE holds the webhook's URL, the routing key, the token")
        ->type_name("TARGET");
    app.add_option_function<std::vector<std::string>>(
           "--webhook", [&](const std::vector<std::string>& urls) {
               for (const std::string& url : urls) options.notify.push_back("webhook=" + url);
           },
           "short for --notify webhook=URL")
        ->type_name("URL");
    app.add_option_function<std::string>(
           "--lease", [&](const std::string& text) { options.lease = parse_lease(text).value_or(options.lease); },
           "how long a function stays this agent's while it changes it, after it was last heard of; by it agents with\n"
           "state folders of their own keep out of each other's way. off: they do not")
        ->check(check_lease)
        ->type_name("SECONDS|off")
        ->default_str("60s");
    app.add_option("--tariff", options.tariff,
                   "whose prices say what a symptom costs, in what people are told: a name of autotune cost --list-tariffs, or\n"
                   "a file")
        ->type_name("NAME|FILE.yaml")
        ->capture_default_str();
    app.add_option(
           "--cgroup", options.cgroups,
           "trace this cgroup-v2 subtree (may be repeated; default: every Lambda executor that shows itself)")
        ->type_name("PATH");
    app.add_option("--sample-hz", options.sample_hz, "stack samples a second and CPU; 0: none")
        ->check(CLI::Range(0, 9999))
        ->capture_default_str();
    app.add_option_function<std::string>(
           "--budget", [&](const std::string& text) { options.budget = read_budget(text); },
           "share of one core that autotune may use; to keep it, detail is given up in a stated order, never\n"
           "boundaries, kills or usage")
        ->check(check_budget)
        ->type_name("PERCENT|off")
        ->default_str("1%");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    options.mode = mode == "apply" ? Mode::apply : Mode::dry_run;
    return run_loop(options);
}

}  // namespace autotune::cli
