// autotune size: which memory size a function should have, from a table of calls or by calls of a copy of it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/cost_files.hpp"
#include "cli/exit_status.hpp"
#include "cli/size_live.hpp"
#include "cli/size_objective.hpp"
#include "cli/size_replay.hpp"
#include "cli/size_report.hpp"
#include "cli/state_folder.hpp"
#include "cli/text_output.hpp"
#include "knowledge/sqlite_store.hpp"
#include "os/file.hpp"
#include "providers/aws_lambda.hpp"
#include "rules/suggest.hpp"

namespace autotune::cli {

namespace {

using namespace rules::sizing;

struct Arguments {
    std::string replay, out;
    LiveSize live;
    std::vector<std::string> payloads;
    std::filesystem::path state = default_state_folder();
    std::string objective = "cost";
    std::uint64_t seed = 1;
    std::string format;
    double budget_usd = 0, usd_per_gb_s = 0;
    std::string tariff;
    std::vector<std::string> tariff_files;
    std::string by;
    std::vector<double> weights;  // of the payloads
    bool each_bucket = false;
    bool json = false;
};
enum class Format { json, text, svg };

Format format_of(const Arguments& arguments) {
    const std::string_view out = arguments.out;
    if (arguments.json || arguments.format == "json") return Format::json;
    if (arguments.format == "svg" || (arguments.format.empty() && out.ends_with(".svg"))) return Format::svg;
    if (arguments.format == "text" || (arguments.format.empty() && out.ends_with(".txt")))
        return Format::text;
    return Format::json;
}

std::string shown(const SizeVerdict& verdict, Format format) {
    switch (format) {
        case Format::json: return size_json(verdict);
        case Format::text: return size_text(verdict);
        case Format::svg: return size_picture(verdict);
    }
    return {};
}

int failed_with(const std::string& message, int status) {
    std::fprintf(stderr, "autotune size: %s\n", message.c_str());
    return status;
}

volatile std::sig_atomic_t g_stop = 0;

Status take(MixRun found, SizeVerdict& verdict) {
    verdict.run = std::move(found.run), verdict.buckets = std::move(found.buckets), verdict.mix_curve = std::move(found.curve);
    return ok();
}

// What is on record of the function's warm calls in the last day, the newest of each size.
CallsBySize on_record(const std::string& function, const std::filesystem::path& state) {
    constexpr std::size_t kMost = 50;  // calls of a size: more tell hardly more
    CallsBySize known;
    auto store = SqliteStore::open_read_only(store_file(state));
    if (!store) return known;  // there was no agent
    const auto calls = (*store)->invocations_since({"aws-lambda", function}, SystemClock().wall() - std::chrono::hours(24));
    if (!calls) return known;
    for (auto call = calls->rbegin(); call != calls->rend(); ++call) {
        const bool killed = call->status == InvocationStatus::out_of_memory || call->status == InvocationStatus::timeout;
        if (call->cold || call->memory_mb == 0 || (call->status != InvocationStatus::ok && !killed)) continue;
        auto& rows = known[call->memory_mb];
        if (rows.size() < kMost)
            rows.push_back({.memory_mb = call->memory_mb,
                            .duration_ms = to_ms(call->duration),
                            .peak_mb = static_cast<double>(call->memory_peak) / (1 << 20),
                            .end = call->status == InvocationStatus::ok        ? SizeRow::End::ok
                                   : call->status == InvocationStatus::timeout ? SizeRow::End::timeout
                                                                               : SizeRow::End::oom});
    }
    return known;
}

Result<std::string> payload_of(const std::string& text) {
    if (!text.starts_with('@')) return text;
    return read_file(text.substr(1));
}

// Each payload as a bucket: by its file's name, or its place.
std::vector<BucketShare> shares_of(const Arguments& arguments) {
    double all = 0;
    for (const double weight : arguments.weights) all += weight;
    std::vector<BucketShare> shares;
    for (std::size_t i = 0; i < arguments.payloads.size(); ++i) {
        const std::string& text = arguments.payloads[i];
        shares.push_back({text.starts_with('@') ? std::filesystem::path(text.substr(1)).filename().string() : "payload " + std::to_string(i + 1),
                          arguments.weights.empty() ? 1.0 / static_cast<double>(arguments.payloads.size()) : arguments.weights[i] / all});
    }
    return shares;
}

rules::sizing::Limit limit_of(const Arguments& arguments) { return arguments.each_bucket ? Limit::of_each : Limit::of_all; }

Status search_live(Arguments arguments, const SizeOrder& order, SizeVerdict& verdict) {
    auto options = options_from_environment();
    if (!options) return fail(Errc::invalid_argument, options.error().message);
    const SystemClock clock;
    AwsLambda provider(std::move(*options), clock);
    LiveSize& live = arguments.live;
    const Capabilities platform = provider.capabilities();
    std::sort(live.sizes_mb.begin(), live.sizes_mb.end());
    live.sizes_mb.erase(std::unique(live.sizes_mb.begin(), live.sizes_mb.end()), live.sizes_mb.end());
    for (const std::uint32_t mb : live.sizes_mb)
        if (mb < platform.memory_min_mb || mb > platform.memory_max_mb)
            return fail(Errc::invalid_argument, std::to_string(mb) + " MB is outside what the platform gives");
    for (const std::string& text : arguments.payloads) {
        auto payload = payload_of(text);
        if (!payload) return payload.forward("--payload");
        live.payloads.push_back(*std::move(payload));
    }
    if (live.payloads.empty()) live.payloads.push_back("{}");
    live.order = order;
    live.known = on_record(live.function, arguments.state);
    std::erase_if(live.known, [&](const auto& one) {
        return std::find(live.sizes_mb.begin(), live.sizes_mb.end(), one.first) == live.sizes_mb.end();
    });
    std::signal(SIGINT, [](int) { g_stop = 1; });
    std::signal(SIGTERM, [](int) { g_stop = 1; });
    live.stop = [] { return g_stop != 0; };
    live.progress = [n = std::size_t{0}](const SizeRow& row) mutable {
        std::fprintf(stderr, "autotune size: call %zu: %u MB, %.1f ms, %s\n", ++n, row.memory_mb, row.duration_ms,
                     std::string(to_string(row.end)).c_str());
    };
    if (!arguments.by.empty()) {
        auto found = size_live_mix(live, shares_of(arguments), limit_of(arguments), provider);
        return found ? take(*std::move(found), verdict) : found.forward();
    }
    auto found = size_live(live, provider);
    if (!found) return found.forward();
    verdict.run = *std::move(found);
    return ok();
}

// --tariff, with --price in place of what it asks for a GB-s.
Result<std::optional<Tariff>> tariff_of(const Arguments& arguments) {
    if (arguments.tariff.empty()) return std::optional<Tariff>();
    auto all = known_tariffs(arguments.tariff_files);
    if (!all) return fail(Errc::invalid_argument, all.error().message);
    std::vector<std::string_view> names;
    for (Tariff& tariff : *all) {
        names.push_back(tariff.name);
        if (tariff.name != arguments.tariff) continue;
        if (arguments.usd_per_gb_s > 0)
            tariff.memory = Meter{.pool = {}, .free_pool = {}, .free = {}, .tiers = {{{}, Decimal::nearest(arguments.usd_per_gb_s)}}};
        return std::optional(std::move(tariff));
    }
    return fail(Errc::invalid_argument, "--tariff: there is no \"" + arguments.tariff + "\"" +
                                            rules::did_you_mean(arguments.tariff, names) + " (autotune cost --list-tariffs)");
}

Status search_for(const Arguments& arguments, const SizeOrder& order, SizeVerdict& verdict) {
    if (!arguments.live.function.empty()) return search_live(arguments, order, verdict);
    if (!arguments.by.empty()) {
        std::vector<std::uint32_t> left_out;
        auto buckets = read_buckets(arguments.replay, arguments.by, left_out);
        if (!buckets) return buckets.forward();
        if (!left_out.empty())
            std::fprintf(stderr, "autotune size: sizes left out, for not every input bucket has a call there: %zu, the first %u MB\n",
                         left_out.size(), left_out.front());
        auto found = replay_mix(std::move(*buckets), order, limit_of(arguments));
        return found ? take(*std::move(found), verdict) : found.forward();
    }
    auto calls = read_calls(arguments.replay);
    if (!calls) return calls.forward();
    auto found = replay(std::move(*calls), order);
    if (!found) return found.forward();
    verdict.run = *std::move(found);
    return ok();
}

// What is wrong with how the input buckets of a live search are told, or "".
std::string wrong_buckets(const Arguments& arguments) {
    if (arguments.live.function.empty()) return arguments.weights.empty() ? "" : "--weights are of payloads: they need --function";
    if (arguments.by.empty()) return arguments.weights.empty() ? "" : "--weights needs --by payload";
    if (arguments.by != "payload") return "with --function it is --by payload: each payload is an input bucket";
    if (arguments.payloads.size() < 2 || arguments.payloads.size() > 16) return "--by payload needs 2 to 16 times --payload";
    if (!arguments.weights.empty() && arguments.weights.size() != arguments.payloads.size())
        return "--weights has " + std::to_string(arguments.weights.size()) + " numbers for " + std::to_string(arguments.payloads.size()) + " payloads";
    return "";
}

int run(const Arguments& arguments) {
    if (arguments.replay.empty() == arguments.live.function.empty())
        return failed_with("say --replay FILE or --function NAME", kUsage);
    if (const std::string wrong = wrong_buckets(arguments); !wrong.empty()) return failed_with(wrong, kUsage);
    const auto objective = objective_of(arguments.objective);
    if (!objective)
        return failed_with(
            "--objective is none of cost, balanced:W (0..1), fastest-within:PERCENT, p95<=300ms: \"" +
                arguments.objective + "\"",
            kUsage);
    auto tariff = tariff_of(arguments);
    if (!tariff) return failed_with(tariff.error().message, kUsage);
    if (arguments.budget_usd > 0 && !*tariff && arguments.usd_per_gb_s <= 0)
        return failed_with("--budget needs --tariff or --price", kUsage);
    constexpr double kMbMs = 1024 * 1000;  // in a GB-s
    const SizeOrder order{.objective = *objective,
                          .seed = arguments.seed,
                          .budget = *tariff || arguments.budget_usd <= 0
                                        ? arguments.budget_usd
                                        : arguments.budget_usd / arguments.usd_per_gb_s * kMbMs,
                          .tariff = *std::move(tariff)};
    if (arguments.each_bucket && objective->goal != Goal::fastest_within && objective->goal != Goal::slo)
        return failed_with("--each-bucket is for objectives with a limit: fastest-within:PERCENT, p95<=300ms", kUsage);
    SizeVerdict verdict{.objective = arguments.objective,
                        .run = {},
                        .usd_per_gb_s = arguments.usd_per_gb_s,
                        .tariff = arguments.tariff,
                        .buckets = {},
                        .mix_curve = {}};
    const Status searched = search_for(arguments, order, verdict);
    if (!searched) {
        const Error& error = searched.error();
        const bool input = error.code == Errc::invalid_argument || error.code == Errc::corrupt;
        if (input) return std::fprintf(stderr, "%s\n", error.message.c_str()), kUsage;
        return failed_with(error.message, kFailed);
    }
    if (const Status s = write_text(arguments.out, shown(verdict, format_of(arguments))); !s)
        return failed_with(s.error().message, kFailed);
    const std::string what = finding(verdict);
    return what.empty() ? kDone : failed_with(what, kFindings);
}

}  // namespace

int size_command(int argc, char** argv) {
    CLI::App app("Tells which memory size a function should have, by as few calls as it takes", argv[0]);
    app.footer(
        "examples:\n"
        "  autotune size --replay calls.csv.gz\n"
        "  autotune size --replay calls.csv --objective balanced:0.5 --format text\n"
        "  autotune size --replay calls.csv --objective 'p95<=300ms' --price 0.0000166667 --budget 0.01 -o "
        "size.svg\n"
        "  autotune size --replay calls.csv --tariff cloud-run --objective balanced:0.5       # its prices, its CPU by memory\n"
        "  autotune size --function checkout --payload @order.json --objective balanced:0.5   # by calls of a copy of it\n"
        "  autotune size --replay calls.csv --by bucket --objective 'p95<=300ms' --each-bucket  # inputs that differ\n"
        "  autotune size --function thumbnail --payload @small.json --payload @large.json --by payload --weights 9,1\n\n"
        "The table names its columns in its first line: memory_mb, duration_ms, and max_memory_mb, status "
        "(ok, error, timeout,\n"
        "oom) where there are; others are passed over, but for the one that --by names. Prints one JSON object unless told otherwise; its samples are every call that "
        "was drawn, failed ones too.\n"
        "Exit status: 0 done, 3 no size could be chosen, there is one only or none keeps the limit, 2 the "
        "table cannot be read as such, 1 failed.");
    Arguments arguments;
    arguments.live.sizes_mb = {128, 256, 512, 1024, 1769, 3008};
    auto* replayed = app.add_option("--replay", arguments.replay, "CSV of calls, plain or .gz; - is standard input");
    auto* function =
        app.add_option("--function", arguments.live.function,
                       "calls a copy of this function, NAME-autotune-size, at each size; nothing of the function itself is\n"
                       "changed, but what its code does to others the copy does too")
            ->excludes(replayed);
    app.add_option("--payload", arguments.payloads, "of the calls, JSON or @FILE; several are taken in turn (default: {})")
        ->needs(function)
        ->type_name("JSON|@FILE");
    app.add_option("--sizes", arguments.live.sizes_mb, "MB to choose from")
        ->delimiter(',')
        ->needs(function)
        ->default_str("128,256,512,1024,1769,3008");
    app.add_option("--alias", arguments.live.alias, "whose version is copied (default: the function's only one, else \"live\")")
        ->needs(function);
    app.add_option("--state", arguments.state, "state folder of an agent: its calls on record are believed from the start")
        ->needs(function)
        ->type_name("DIR");
    app.add_option(
           "--objective", arguments.objective,
           "cost, balanced:W, fastest-within:PERCENT, or the cheapest with p95<=300ms (p50, p90, p99)")
        ->capture_default_str();
    app.add_option("--seed", arguments.seed, "fixes the order of the draws")->capture_default_str();
    app.add_option("--price", arguments.usd_per_gb_s, "USD for a GB-s; with --tariff: in place of what that asks for one")
        ->check(CLI::Range(1e-12, 1e6));
    auto* tariff = app.add_option("--tariff", arguments.tariff,
                                  "prices by the platform's own steps of time and memory, and its CPU by memory;\n"
                                  "autotune cost --list-tariffs has the names")
                       ->type_name("NAME");
    app.add_option("--tariff-file", arguments.tariff_files, "a tariff of your own (YAML); before those that are known")
        ->needs(tariff)
        ->type_name("FILE");
    app.add_option("--budget", arguments.budget_usd, "USD after which no further call is drawn; needs --tariff or --price")
        ->check(CLI::Range(1e-12, 1e9));
    auto* by = app.add_option("--by", arguments.by,
                              "column of the table that tells the input bucket of a call, by its text; of input_bytes: by powers of\n"
                              "two. Tells which size each would need, and one size for the mix as the table has it. With --function:\n"
                              "payload, each --payload is a bucket")
                   ->type_name("COLUMN|payload");
    app.add_option("--weights", arguments.weights, "with --by payload: how many of the function's calls each payload stands for (default: as many)")
        ->delimiter(',')
        ->check(CLI::Range(1e-9, 1e12))
        ->needs(by);
    app.add_flag("--each-bucket", arguments.each_bucket, "the objective's limit is to be kept in each input bucket, not on the whole")
        ->needs(by);
    auto* format = app.add_option("--format", arguments.format, "json, text or svg")
                       ->check(CLI::IsMember({"json", "text", "svg"}));
    app.add_flag("--json", arguments.json, "the same as --format json, which it is anyway")->excludes(format);
    app.add_option("-o,--output", arguments.out,
                   "write there; without --format a name that ends in .svg or .txt says how");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    return run(arguments);
}

}  // namespace autotune::cli
