// autotune size --replay: which memory size a function should have, from a table of calls.
#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/size_replay.hpp"
#include "cli/text_output.hpp"

namespace autotune::cli {

namespace {

using namespace rules::sizing;

struct Arguments {
    std::string replay, out;
    std::string objective = "cost";
    std::uint64_t seed = 1;
    bool json = false;
};

std::optional<double> number_from(std::string_view text, double least, double most) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole && value >= least && value <= most ? std::optional(value) : std::nullopt;
}

std::optional<Objective> objective_of(std::string_view text) {
    constexpr std::string_view kBalanced = "balanced:", kFastest = "fastest-within:";
    if (text == "cost") return Objective{};
    if (text.starts_with(kBalanced))
        if (const auto weight = number_from(text.substr(kBalanced.size()), 0, 1))
            return Objective{Goal::balanced, *weight};
    if (text.starts_with(kFastest))
        if (const auto percent = number_from(text.substr(kFastest.size()), 0, 1e6))
            return Objective{Goal::fastest_within, *percent};
    return std::nullopt;
}

double gb_s(double mb_ms) { return mb_ms / 1024 / 1000; }

std::string json_of(const SizeRun& run, const std::string& objective) {
    nlohmann::json samples = nlohmann::json::array();
    for (const SizeRow& call : run.draws)
        samples.push_back({{"memory_mb", call.memory_mb}, {"duration_ms", call.duration_ms}, {"status", to_string(call.end)}});
    nlohmann::json out{{"objective", objective}, {"samples", samples}, {"spent_gb_s", gb_s(run.state.spent_mb_ms)}};
    const Choose& choice = run.choice;
    if (choice.memory_mb == 0) {
        out["memory_mb"] = out["predicted"] = out["interval"] = out["regret_bound"] = nullptr;
    } else {
        out["memory_mb"] = choice.memory_mb;
        out["predicted"] = {{"duration_ms", choice.expected_ms}, {"gb_s", gb_s(choice.expected_ms * choice.memory_mb)}};
        out["interval"] = {choice.low_ms, choice.high_ms};
        out["regret_bound"] = choice.regret_bound;
    }
    return out.dump() + "\n";
}

int failed_with(const std::string& message, int status) {
    std::fprintf(stderr, "autotune size: %s\n", message.c_str());
    return status;
}

int run(const Arguments& arguments) {
    const auto objective = objective_of(arguments.objective);
    if (!objective)
        return failed_with("--objective is none of cost, balanced:W (0..1), fastest-within:PERCENT: \"" + arguments.objective + "\"",
                           kUsage);
    auto calls = read_calls(arguments.replay);
    if (!calls) {
        const Error& error = calls.error();
        const bool input = error.code == Errc::invalid_argument || error.code == Errc::corrupt;
        if (input) return std::fprintf(stderr, "%s\n", error.message.c_str()), kUsage;
        return failed_with(error.message, kFailed);
    }
    const SizeRun found = replay(std::move(*calls), {.objective = *objective, .seed = arguments.seed});
    if (const Status s = write_text(arguments.out, json_of(found, arguments.objective)); !s)
        return failed_with(s.error().message, kFailed);
    if (found.choice.memory_mb == 0)
        return failed_with("no size could be chosen: no call that was drawn succeeded at a size with room for the peak", kFindings);
    if (found.state.sizes_mb.size() == 1)
        return failed_with("one size only: there is nothing to compare it with", kFindings);
    return kDone;
}

}  // namespace

int size_command(int argc, char** argv) {
    CLI::App app("Tells which memory size a function should have, by as few calls as it takes", argv[0]);
    app.footer(
        "examples:\n"
        "  autotune size --replay calls.csv.gz\n"
        "  autotune size --replay calls.csv --objective balanced:0.5 --seed 7\n\n"
        "The table names its columns in its first line: memory_mb, duration_ms, and max_memory_mb, status (ok, error, timeout,\n"
        "oom) where there are. Prints one JSON object; its samples are every call that was drawn, failed ones too.\n"
        "Exit status: 0 done, 3 no size could be chosen or there is one only, 2 the table cannot be read as such, 1 failed.");
    Arguments arguments;
    app.add_option("--replay", arguments.replay, "CSV of calls, plain or .gz; - is standard input")->required();
    app.add_option("--objective", arguments.objective, "cost, balanced:W or fastest-within:PERCENT")->capture_default_str();
    app.add_option("--seed", arguments.seed, "fixes the order of the draws")->capture_default_str();
    app.add_flag("--json", arguments.json, "as one JSON object, which it is anyway");
    app.add_option("-o,--output", arguments.out, "write there");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    return run(arguments);
}

}  // namespace autotune::cli
