// autotune fuse: which functions should be one, which should not be, and what that would change.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/fuse_input.hpp"
#include "cli/fuse_packages.hpp"
#include "cli/fuse_report.hpp"
#include "cli/text_output.hpp"
#include "cli/text_pieces.hpp"
#include "rules/recluster/traits.hpp"
#include "rules/suggest.hpp"

namespace autotune::cli {

namespace {

struct Arguments {
    std::string replay, constraints, out, written;
    std::filesystem::path state;
    double last_s = 0;
    std::filesystem::path functions, packages;
    std::string method = "auto";
    std::uint64_t seed = 1;
    bool json = false;
};

int failed_with(const std::string& message, int status) {
    std::fprintf(stderr, "autotune fuse: %s\n", message.c_str());
    return status;
}

// Of errors in what is read: told as file:line:column: what.
int told(const Error& error, const std::string& path) {
    if (error.code == Errc::invalid_argument)
        return std::fprintf(stderr, "%s:%s\n", shown_path(path).c_str(), error.message.c_str()), kUsage;
    if (error.code == Errc::corrupt) return std::fprintf(stderr, "%s\n", error.message.c_str()), kUsage;
    return failed_with(error.message, kFailed);
}

std::optional<int> read_constraints(const std::string& path, rules::GroupConstraints& out) {
    std::string text;
    const Status read = read_text_in_pieces(path, [&](std::string_view piece) -> Status {
        text += piece;
        return text.size() > (64u << 20) ? fail(Errc::resource_exhausted, shown_path(path) + " is larger than 64 MiB") : ok();
    });
    if (!read) return failed_with(read.error().message, read.error().code == Errc::corrupt ? kUsage : kFailed);
    auto loaded = rules::load_constraints(text, rules::syntax_of(path, text));
    for (const rules::Diagnostic& d : loaded.diagnostics)
        std::fprintf(stderr, "%s\n", rules::format(d, shown_path(path)).c_str());
    if (!loaded.constraints) return kUsage;
    out = std::move(*loaded.constraints);
    return std::nullopt;
}

// A slip in a name would lift a constraint without a word.
void warn_of_unknown(const rules::GroupConstraints& constraints, const rules::CallLog& log) {
    std::vector<std::string_view> known(log.functions.begin(), log.functions.end());
    const auto check = [&](const std::string& name) {
        if (!log.by_name.contains(name))
            std::fprintf(stderr, "autotune fuse: warning: there is no function \"%s\" in the log%s\n", name.c_str(),
                         rules::did_you_mean(name, known).c_str());
    };
    for (const std::string& name : constraints.alone) check(name);
    for (const auto& names : constraints.apart)
        for (const std::string& name : names) check(name);
}

// Of what the agent recorded, else of a file.
std::optional<int> read_input(const Arguments& arguments, FuseVerdict& verdict) {
    if (arguments.state.empty()) {
        auto log = read_call_log(arguments.replay);
        if (!log) return told(log.error(), arguments.replay);
        verdict.log = *std::move(log);
        return std::nullopt;
    }
    auto recorded = read_call_records(arguments.state, Nanos(static_cast<std::int64_t>(arguments.last_s * 1e9)));
    if (!recorded) return failed_with(recorded.error().message, kFailed);
    verdict.log = std::move(recorded->log);
    verdict.missing = recorded->missing;
    if (verdict.log.traces.empty())
        return failed_with("there is no request on record in " + arguments.state.string() + missing_text(*verdict.missing), kFailed);
    if (arguments.written.empty()) return std::nullopt;
    if (Status s = write_call_log(arguments.written, verdict.log); !s) return failed_with(s.error().message, kFailed);
    return std::nullopt;
}

int run(const Arguments& arguments) {
    rules::GroupConstraints constraints;
    if (!arguments.constraints.empty())
        if (const auto over = read_constraints(arguments.constraints, constraints)) return *over;
    FuseVerdict verdict;
    if (const auto over = read_input(arguments, verdict)) return *over;
    auto links = rules::link(verdict.log, constraints.overhead_ms);
    if (!links) return told(links.error(), arguments.replay);
    verdict.links = std::move(*links);
    warn_of_unknown(constraints, verdict.log);
    if (!arguments.functions.empty())
        if (Status s = add_manifest_traits(verdict.log, arguments.functions, constraints); !s)
            return failed_with(s.error().message, s.error().code == Errc::invalid_argument ? kUsage : kFailed);
    rules::add_recorded_traits(verdict.log, constraints);
    using rules::SearchMethod;
    static const std::map<std::string, SearchMethod> kMethods{
        {"auto", SearchMethod::automatic}, {"exact", SearchMethod::exact}, {"heuristic", SearchMethod::heuristic}};
    constexpr std::size_t kMostByHand = 16;
    if (arguments.method == "exact" && verdict.log.functions.size() > kMostByHand)
        return failed_with("--method exact is for at most 16 functions, these are " +
                               std::to_string(verdict.log.functions.size()),
                           kUsage);
    verdict.plan = rules::regroup(verdict.log, verdict.links, constraints,
                                  {.method = kMethods.at(arguments.method), .seed = arguments.seed, .groups = {}});
    const bool json = arguments.json || std::string_view(arguments.out).ends_with(".json");
    const Status written = write_text(arguments.out, json ? fuse_json(verdict) : fuse_text(verdict));
    if (!written) return failed_with(written.error().message, kFailed);
    if (arguments.packages.empty()) return kDone;
    const auto packages = write_packages(verdict, arguments.functions, arguments.packages);
    if (!packages)
        return failed_with(packages.error().message, packages.error().code == Errc::invalid_argument ? kUsage : kFailed);
    std::fputs(packages->empty() ? "autotune fuse: no group has several functions\n" : deployment_of(*packages).c_str(), stderr);
    return kDone;
}

}  // namespace

int fuse_command(int argc, char** argv) {
    CLI::App app("Which functions should be one deployment and which should not, and what that would change", argv[0]);
    app.footer(
        "examples:\n"
        "  sudo autotune fuse --state /var/lib/autotune --last 6h    # what the agent recorded\n"
        "  autotune fuse --replay calls.jsonl\n"
        "  autotune fuse --replay calls.jsonl.gz --constraints groups.yaml --json\n"
        "  autotune fuse --replay calls.jsonl --functions ./functions --package ./groups     # deployable, with the way back\n\n"
        "One invocation a line, as JSON: trace, id, parent, function, memory_mb, start_ms, end_ms, billed_ms, cold, calls (callee,\n"
        "callee_id, start_ms, duration_ms, sync, local); parent and callee_id may be null; peak_mb, timeout_ms, cpu_ms if known. Constraints: docs/reclustering.md.\n"
        "Exit status: 0 done, 2 the file cannot be read as such, 1 failed.");
    Arguments arguments;
    auto* replay = app.add_option("--replay", arguments.replay, "invocations, plain or .gz; - is standard input");
    auto* state = app.add_option("--state", arguments.state, "state folder of the agent: what it recorded, instead of --replay")
                      ->type_name("DIR")
                      ->excludes(replay);
    app.add_option("--last", arguments.last_s, "of the records: what began so long before the newest: 30m, 6h; else all")
        ->transform(CLI::AsNumberWithUnit(std::map<std::string, double>{{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86'400}}))
        ->check(CLI::PositiveNumber)
        ->needs(state);
    app.add_option("--write", arguments.written, "keep the records there, as --replay reads them")->type_name("FILE")->needs(state);
    app.add_option("--constraints", arguments.constraints, "YAML or JSON: do_not_fuse, runtimes, roles, peaks, timeouts");
    app.add_option("--method", arguments.method, "auto: exact up to 12 functions; exact: of at most 16")
        ->check(CLI::IsMember({"auto", "exact", "heuristic"}))
        ->capture_default_str();
    app.add_option("--seed", arguments.seed, "of the samples that the intervals come from")->capture_default_str();
    auto* functions = app.add_option("--functions", arguments.functions, "folder of the functions' code, as of autotune host")
                          ->type_name("DIR")
                          ->check(CLI::ExistingDirectory);
    auto* package = app.add_option("--package", arguments.packages,
                                   "write here what each function of a group is to have as its code: all members, and a\n"
                                   "dispatcher by which they call each other in the process; and its own code, for the way back")
                        ->type_name("DIR")
                        ->needs(functions);
    functions->needs(package);
    app.add_flag("--json", arguments.json, "as one JSON object");
    app.add_option("-o,--output", arguments.out, "write there; a name that ends in .json implies --json");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    if (arguments.replay.empty() && arguments.state.empty())
        return failed_with("say what to read: --state DIR, what an agent recorded, or --replay FILE", kUsage);
    return run(arguments);
}

}  // namespace autotune::cli
