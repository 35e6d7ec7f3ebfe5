// Verdicts on resampled durations: how often each judge promotes, rolls back and holds, and after how many pairs.
//
//   canary_benchmark RUNS PAIRS NAME=FILE…    FILE: one duration in ms a line; prints one JSON object a cell
//
// A cell is a service, a slowdown of the canary and a kind of traffic. Each run draws PAIRS pairs with a seed of
// its own; all judges see the same.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "bench/planning/canary_peers.hpp"
#include "rules/canary/judge.hpp"

using namespace autotune;
using bench::Verdict;
using rules::Pair;
using Decision = JudgeReport::Decision;

namespace {

enum class Traffic { independent, whole_ms, drift, common_load, own_phases_03, own_phases_06, own_phases_09,
                     own_phases_09_every_20, missing };
struct Kind {
    Traffic traffic;
    const char* name;
};
constexpr Kind kKinds[] = {{Traffic::independent, "independent"},
                           {Traffic::whole_ms, "rounded to ms"},
                           {Traffic::drift, "drift of both"},
                           {Traffic::common_load, "common load, correlation 0.95"},
                           {Traffic::own_phases_03, "own phases, correlation 0.3"},
                           {Traffic::own_phases_06, "own phases, correlation 0.6"},
                           {Traffic::own_phases_09, "own phases, correlation 0.9"},
                           {Traffic::own_phases_09_every_20, "own phases, correlation 0.9, every 20th"},
                           {Traffic::missing, "2 % of ends not known"}};

// Log-normal factor whose logarithm is a first-order autoregression.
class Phase {
public:
    Phase(double correlation, double spread) : correlation_(correlation), spread_(spread) {}
    double next(std::mt19937_64& random) {
        std::normal_distribution<double> normal;
        at_ = started_ ? correlation_ * at_ + std::sqrt(1 - correlation_ * correlation_) * normal(random)
                       : normal(random);
        started_ = true;
        return std::exp(spread_ * at_);
    }

private:
    double correlation_, spread_, at_ = 0;
    bool started_ = false;
};

double correlation_of(Traffic t) {
    switch (t) {
        case Traffic::common_load: return 0.95;
        case Traffic::own_phases_03: return 0.3;
        case Traffic::own_phases_06: return 0.6;
        case Traffic::own_phases_09:
        case Traffic::own_phases_09_every_20: return 0.9;
        default: return 0;
    }
}

rules::Trial drawn(const std::vector<double>& times, double slowdown, Traffic traffic, std::size_t count,
                   std::mt19937_64& random) {
    std::uniform_int_distribution<std::size_t> pick(0, times.size() - 1);
    std::bernoulli_distribution lost(0.02);
    constexpr double kSpread = 0.3;  // of the logarithm, about what media's own times have
    Phase both(correlation_of(traffic), kSpread), of_canary = both, of_baseline = both;
    const bool own = correlation_of(traffic) > 0 && traffic != Traffic::common_load;
    const std::size_t every = traffic == Traffic::own_phases_09_every_20 ? 20 : 1;
    rules::Trial trial;
    for (std::size_t i = 0; i < count; ++i) {
        double y = times[pick(random)], x = slowdown * times[pick(random)];
        if (traffic == Traffic::drift) {  // waves of ±50 % and a step to the double in the middle
            const double at = static_cast<double>(i) / static_cast<double>(count);
            const double factor = (1 + 0.5 * std::sin(40 * at)) * (at > 0.5 ? 2 : 1);
            x *= factor, y *= factor;
        }
        if (traffic == Traffic::common_load) {
            const double factor = both.next(random);
            x *= factor, y *= factor;
        }
        if (own) x *= of_canary.next(random), y *= of_baseline.next(random);
        if (traffic == Traffic::whole_ms) x = std::nearbyint(x), y = std::nearbyint(y);
        if (i % every != 0) continue;
        if (traffic == Traffic::missing && lost(random)) {
            ++trial.canary.unknown;
            ++trial.baseline.calls;
            continue;
        }
        ++trial.canary.calls;
        ++trial.baseline.calls;
        const auto call = [](double ms) { return rules::CallResult{.duration = Nanos(std::llround(ms * 1e6))}; };
        trial.pairs.push_back({.canary = call(x), .baseline = call(y)});
    }
    return trial;
}

struct Tally {
    std::string judge;
    std::function<Verdict(const rules::Trial&)> decide;
    std::array<std::size_t, 3> counts{};  // promoted, rolled back, held
    std::array<std::vector<std::size_t>, 2> pairs{};

    void add(const Verdict& v) {
        const std::size_t kind = v.decision == Decision::promote ? 0 : v.decision == Decision::rollback ? 1 : 2;
        ++counts[kind];
        if (kind < 2) pairs[kind].push_back(v.pairs);
    }
    // Over all runs: those that decide otherwise never do so. −1: not in half of the runs.
    static long median(std::vector<std::size_t> of, std::size_t runs) {
        if (of.size() * 2 <= runs) return -1;
        std::sort(of.begin(), of.end());
        return static_cast<long>(of[runs / 2]);
    }
};

void cell(const std::string& service, const std::vector<double>& times, double slowdown, const Kind& kind,
          std::size_t runs, std::size_t count) {
    const CanaryPolicy policy;
    std::vector<Nanos> known;
    for (const double t : times) known.push_back(Nanos(std::llround(t * 1e6)));
    const Nanos limit(std::llround(1.1 * static_cast<double>(bench::quantile(known, 0.99).count())));
    std::vector<Tally> judges{
        {"autotune", [&](const rules::Trial& t) {
             const JudgeReport r = judge(t, policy, rules::Horizon::reached);
             return Verdict{r.decision, r.pairs};
         }}};
    if (kind.traffic == Traffic::independent || kind.traffic == Traffic::whole_ms) {
        judges.push_back({"Kayenta's, 200 pairs", [](const rules::Trial& t) { return bench::kayenta(t.pairs, 200); }});
        judges.push_back({"Kayenta's, 2000 pairs", [](const rules::Trial& t) { return bench::kayenta(t.pairs, 2000); }});
        judges.push_back({"Flagger's", [&](const rules::Trial& t) { return bench::flagger(t.pairs, limit); }});
        judges.push_back({"Argo's", [](const rules::Trial& t) { return bench::argo(t.pairs); }});
    }
    for (std::size_t run = 0; run < runs; ++run) {
        std::mt19937_64 random(run * 1'000'003 + 17);
        const rules::Trial trial = drawn(times, slowdown, kind.traffic, count, random);
        for (Tally& judge : judges) judge.add(judge.decide(trial));
    }
    for (const Tally& t : judges)
        std::printf("{\"service\":\"%s\",\"slowdown\":%g,\"traffic\":\"%s\",\"judge\":\"%s\",\"runs\":%zu,\"promoted\":%zu,"
                    "\"rolled_back\":%zu,\"held\":%zu,\"median_to_promote\":%ld,\"median_to_roll_back\":%ld}\n",
                    service.c_str(), slowdown, kind.name, t.judge.c_str(), runs, t.counts[0], t.counts[1], t.counts[2],
                    Tally::median(t.pairs[0], runs), Tally::median(t.pairs[1], runs));
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) return std::fputs("usage: canary_benchmark RUNS PAIRS NAME=FILE...\n", stderr), 2;
    const auto runs = static_cast<std::size_t>(std::atol(argv[1])), count = static_cast<std::size_t>(std::atol(argv[2]));
    for (int i = 3; i < argc; ++i) {
        const std::string argument = argv[i];
        const std::size_t cut = argument.find('=');
        std::vector<double> times;
        std::ifstream file(argument.substr(cut + 1));
        for (double t = 0; file >> t;) times.push_back(t);
        if (cut == std::string::npos || times.empty()) return std::fputs("no durations\n", stderr), 1;
        for (const Kind& kind : kKinds)
            for (const double slowdown : {1.0, 1.05, 1.1, 1.2}) {
                if (slowdown == 1.05 && kind.traffic != Traffic::independent) continue;
                cell(argument.substr(0, cut), times, slowdown, kind, runs, count);
            }
    }
    return 0;
}
