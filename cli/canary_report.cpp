#include "cli/canary_report.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace autotune::cli {

namespace {

using Json = nlohmann::ordered_json;
using rules::Evidences;

constexpr std::size_t kMostPoints = 2'000;  // of a path; a million pairs need no more to be drawn

struct Test {
    const char* name;
    double Evidences::*log10_e;
    enum class Of { promotion, harm, part_of_harm } of;
};
constexpr Test kTests[] = {{"latency", &Evidences::latency, Test::Of::promotion},
                           {"errors", &Evidences::errors, Test::Of::promotion},
                           {"harm", &Evidences::harm, Test::Of::harm},
                           {"harm_latency", &Evidences::harm_latency, Test::Of::part_of_harm},
                           {"harm_errors", &Evidences::harm_errors, Test::Of::part_of_harm},
                           {"harm_tail", &Evidences::harm_tail, Test::Of::part_of_harm}};

double needed(const Test& test, const CanaryPolicy& policy) {
    return -std::log10(test.of == Test::Of::promotion ? policy.alpha : policy.beta);
}

double to_ms(Nanos t) { return static_cast<double>(t.count()) / 1e6; }

// pair and log10 E, evenly thinned; the last is always there.
std::vector<std::pair<double, double>> points(const std::vector<Evidences>& path, double Evidences::*log10_e) {
    std::vector<std::pair<double, double>> out;
    const std::size_t step = path.size() / kMostPoints + 1;
    for (std::size_t i = 0; i < path.size(); ++i)
        if (i % step == 0 || i + 1 == path.size()) out.emplace_back(static_cast<double>(i + 1), path[i].*log10_e);
    return out;
}

Json calls_json(const rules::CallCounts& calls, Nanos p95) {
    return {{"calls", calls.calls},
            {"failures", calls.failures},
            {"out_of_memory", calls.out_of_memory},
            {"unknown", calls.unknown},
            {"p95_ms", to_ms(p95)}};
}

Json evidence_json(const CanaryVerdict& v) {
    Json json = Json::object();
    for (const Test& test : kTests) {
        const auto& path = v.judged.path;
        Json entry{{"log10_e", path.empty() ? 0.0 : path.back().*test.log10_e}};
        if (test.of != Test::Of::part_of_harm) entry["needed_log10_e"] = needed(test, v.policy);
        Json drawn = Json::array();
        for (const auto& [pair, log10] : points(path, test.log10_e))
            drawn.push_back({static_cast<std::uint64_t>(pair), std::round(log10 * 1e4) / 1e4});
        entry["path"] = std::move(drawn);
        json[test.name] = std::move(entry);
    }
    return json;
}

}  // namespace

std::string canary_json(const CanaryVerdict& v) {
    const JudgeReport& r = v.judged.report;
    Json buckets = Json::array();
    for (const auto& bucket : v.buckets)
        buckets.push_back({{"bucket", bucket.name},
                           {"pairs", bucket.pairs},
                           {"slower", bucket.slower},
                           {"faster", bucket.faster}});
    const Json json{{"decision", to_string(r.decision)},
                    {"pairs", r.pairs},
                    {"rows", v.rows},
                    {"reason", r.reason},
                    {"canary", calls_json(v.trial.canary, r.canary_p95)},
                    {"baseline", calls_json(v.trial.baseline, r.baseline_p95)},
                    {"policy",
                     {{"latency_margin", v.policy.latency_margin},
                      {"error_margin", v.policy.error_margin},
                      {"harm_margin", v.policy.harm_margin},
                      {"indifference_ms", to_ms(v.policy.indifference)},
                      {"alpha", v.policy.alpha},
                      {"beta", v.policy.beta},
                      {"every", v.every}}},
                    {"sign_correlation", v.correlation.lag_one},
                    {"evidence", evidence_json(v)},
                    {"buckets", buckets}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string canary_text(const CanaryVerdict& v) {
    const JudgeReport& r = v.judged.report;
    std::string out = fmt::format("{} after {} pair{}: {}\n\n", to_string(r.decision), r.pairs, r.pairs == 1 ? "" : "s",
                                  r.reason);
    out += fmt::format("{:<10} {:>8} {:>8} {:>8} {:>8} {:>10}\n", "", "calls", "failed", "oom", "unknown", "p95");
    const auto calls = [&](const char* name, const rules::CallCounts& c, Nanos p95) {
        out += fmt::format("{:<10} {:>8} {:>8} {:>8} {:>8} {:>7.1f} ms\n", name, c.calls, c.failures, c.out_of_memory,
                           c.unknown, to_ms(p95));
    };
    calls("baseline", v.trial.baseline, r.baseline_p95);
    calls("canary", v.trial.canary, r.canary_p95);
    out += fmt::format("\n{:<16} {:>10} {:>10}\n", "evidence, log10", "found", "needed");
    for (const Test& test : kTests) {
        const double found = v.judged.path.empty() ? 0.0 : v.judged.path.back().*test.log10_e;
        const bool part = test.of == Test::Of::part_of_harm;
        out += fmt::format("{:<16} {:>10.2f} {:>10}\n", test.name, found,
                           part ? std::string() : fmt::format("{:.2f}", needed(test, v.policy)));
    }
    if (v.buckets.size() > 1) {
        out += fmt::format("\n{:<16} {:>8} {:>8} {:>8}\n", "bucket", "pairs", "slower", "faster");
        for (const auto& bucket : v.buckets)
            out += fmt::format("{:<16} {:>8} {:>8} {:>8}\n", bucket.name, bucket.pairs, bucket.slower, bucket.faster);
    }
    return out;
}

std::vector<render::EvidenceCurve> canary_curves(const CanaryVerdict& v) {
    std::vector<render::EvidenceCurve> curves;
    for (const Test& test : kTests)
        if (test.of != Test::Of::part_of_harm)
            curves.push_back({test.name, points(v.judged.path, test.log10_e), needed(test, v.policy)});
    return curves;
}

}  // namespace autotune::cli
