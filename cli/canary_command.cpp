// autotune canary: the judge, on a table of pairs.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/tables/canary_rows.hpp"
#include "cli/arguments.hpp"
#include "cli/canary_report.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/text_output.hpp"
#include "cli/text_pieces.hpp"
#include "exporters/render/text.hpp"
#include "os/file.hpp"

namespace autotune::cli {

namespace {

struct Arguments {
    std::string replay, svg, out;
    CanaryPolicy policy;
    double indifference_ms = 0;
    std::uint64_t every = 1;
    bool json = false;
};

int failed_with(const std::string& message, int status) {
    std::fprintf(stderr, "autotune canary: %s\n", message.c_str());
    return status;
}

void count(rules::CallCounts& counts, const std::optional<CanaryCall>& call) {
    if (!call) {
        ++counts.unknown;
        return;
    }
    ++counts.calls;
    if (!call->ok) ++counts.failures;
    if (call->out_of_memory) ++counts.out_of_memory;
}

rules::CallResult result_of(const CanaryCall& call) {
    using End = rules::CallResult::End;
    return {call.duration, call.ok ? End::ok : call.out_of_memory ? End::out_of_memory : End::failed};
}

class Reading {
public:
    explicit Reading(std::uint64_t every) : every_(every) {}

    void add(const CanaryRow& row) {
        if (verdict_.rows++ % every_ != 0) return;
        rules::Trial& trial = verdict_.trial;
        count(trial.canary, row.canary);
        count(trial.baseline, row.baseline);
        if (!row.canary || !row.baseline) return;
        trial.pairs.push_back({.canary = result_of(*row.canary), .baseline = result_of(*row.baseline)});
        // Whoever writes a name of its own into each line gets no table as long as the file.
        constexpr std::size_t kMostBuckets = 1'000;
        if (buckets_.size() >= kMostBuckets && !buckets_.contains(row.bucket)) return;
        auto& bucket = buckets_[row.bucket];
        ++bucket.pairs;
        if (!row.canary->ok || !row.baseline->ok) return;
        bucket.slower += row.canary->duration > row.baseline->duration;
        bucket.faster += row.canary->duration < row.baseline->duration;
    }
    CanaryVerdict take() {
        for (auto& [name, bucket] : buckets_) {
            bucket.name = render::clean_text(name);
            verdict_.buckets.push_back(bucket);
        }
        return std::move(verdict_);
    }

private:
    std::uint64_t every_;
    CanaryVerdict verdict_;
    std::map<std::string, CanaryVerdict::Bucket> buckets_;
};

Result<CanaryVerdict> read_table(const std::string& path, std::uint64_t every) {
    Reading reading(every);
    CanaryRows table;
    std::vector<CanaryRow> rows;
    const auto pass_on = [&] {
        for (const CanaryRow& row : rows) reading.add(row);
        rows.clear();
    };
    Status read = read_text_in_pieces(path, [&](std::string_view piece) {
        Status fed = table.feed(piece, rows);
        pass_on();
        return fed;
    });
    if (read) read = table.finish(rows);
    pass_on();
    if (read) return reading.take();
    const Error& error = read.error();
    const bool located = error.code == Errc::invalid_argument;  // "line:column: what" of the table
    return fail(error.code, located ? shown_path(path) + ":" + error.message : error.message);
}

int run(const Arguments& arguments) {
    auto verdict = read_table(arguments.replay, arguments.every);
    if (!verdict) {
        const Errc code = verdict.error().code;
        const bool input = code == Errc::invalid_argument || code == Errc::corrupt;
        if (input) return std::fprintf(stderr, "%s\n", verdict.error().message.c_str()), kUsage;
        return failed_with(verdict.error().message, kFailed);
    }
    verdict->policy = arguments.policy;
    verdict->policy.indifference = Nanos(std::llround(arguments.indifference_ms * 1e6));
    verdict->every = arguments.every;
    verdict->judged = judge_with_path(verdict->trial, verdict->policy, rules::Horizon::reached);
    verdict->correlation = rules::sign_correlation(verdict->trial.pairs);
    if (verdict->correlation.worrying())
        std::fprintf(stderr,
                     "autotune canary: what one pair says foretells the next (correlation %.2f): one of the two sides has "
                     "phases of its own, and the error bounds do not hold; --every N leaves pairs out\n",
                     verdict->correlation.lag_one);
    const JudgeReport& report = verdict->judged.report;
    if (!arguments.svg.empty()) {
        const std::string title = std::string(to_string(report.decision)) + " after " + std::to_string(report.pairs) +
                                  " pairs: " + shown_path(arguments.replay);
        const Status drawn = replace_file(arguments.svg, render::evidence_svg(canary_curves(*verdict), title));
        if (!drawn) return failed_with(drawn.error().message, kFailed);
    }
    const bool json = arguments.json || std::string_view(arguments.out).ends_with(".json");
    if (const Status s = write_text(arguments.out, json ? canary_json(*verdict) : canary_text(*verdict)); !s)
        return failed_with(s.error().message, kFailed);
    return report.decision == JudgeReport::Decision::promote ? kDone : kFindings;
}

}  // namespace

int canary_command(int argc, char** argv) {
    CLI::App app("Judges whether a canary is as good as the version it would replace", argv[0]);
    app.footer(
        "examples:\n"
        "  autotune canary --replay pairs.csv\n"
        "  autotune canary --replay pairs.csv.gz --latency-margin 0.05 --json --svg evidence.svg\n"
        "  autotune canary --replay pairs.csv && deploy\n\n"
        "The table names its columns in its first line: baseline_ms, canary_ms, baseline_ok, canary_ok, and pair, bucket,\n"
        "canary_oom, baseline_oom where there are. An empty cell is not known; the end of the file is the horizon.\n"
        "Exit status: 0 promote, 3 rollback or hold, 2 the table cannot be read as such, 1 failed.");
    Arguments arguments;
    CanaryPolicy& policy = arguments.policy;
    const CLI::Range margin(0.0, 10.0), risk(0.0001, 0.5);
    app.add_option("--replay", arguments.replay, "CSV of pairs of calls, plain or .gz; - is standard input")->required();
    app.add_option("--latency-margin", policy.latency_margin, "promote what is not slower by this share or more")
        ->check(margin)
        ->capture_default_str();
    app.add_option("--error-margin", policy.error_margin, "and does not fail more often by this share of the calls")
        ->check(CLI::Range(0.0001, 1.0))
        ->capture_default_str();
    app.add_option("--harm-margin", policy.harm_margin, "slower by no more than this share is no reason to roll back")
        ->check(margin)
        ->capture_default_str();
    app.add_option("--indifference-ms", arguments.indifference_ms, "nor is a difference of no more than this")
        ->check(CLI::Range(0.0, 1e9))
        ->capture_default_str();
    app.add_option("--alpha", policy.alpha, "probability to promote what is worse than the margins")
        ->check(risk)
        ->capture_default_str();
    app.add_option("--beta", policy.beta, "probability to roll back what is not worse")->check(risk)->capture_default_str();
    app.add_option("--every", arguments.every, "use every Nth pair, where neighbours depend on each other")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    app.add_flag("--json", arguments.json, "decision, pairs and the path of each E value as one JSON object");
    app.add_option("--svg", arguments.svg, "draw the paths there");
    app.add_option("-o,--output", arguments.out, "write there; a name that ends in .json implies --json");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    return run(arguments);
}

}  // namespace autotune::cli
