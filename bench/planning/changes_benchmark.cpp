// How long the analyzer takes to see that a function changed, and how often it says so for nothing.
//
//   changes_benchmark RUNS; one JSON object a case
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "analyzer/change_detector.hpp"

using namespace autotune;
using analysis::ChangeDetector;

namespace {

constexpr int kBefore = 2'000, kAfter = 20'000;
constexpr std::array kMedian{0.5}, kTail{0.05};
constexpr std::array kRates{0.3, 0.08, 0.02, 0.005};

using Random = std::mt19937_64;
using Draw = std::function<double(Random&, int since_change)>;  // negative: before

double usual(Random& r) { return 50e6 * std::exp(0.3 * std::normal_distribution<double>()(r)); }
double heavy(Random& r) { return 5e6 / std::uniform_real_distribution<double>(1e-6, 1)(r); }
double rate(Random& r, double p) { return std::bernoulli_distribution(p)(r) ? 1e6 : 0; }

struct Case {
    const char* name;
    std::span<const double> tops;
    Draw draw;
};

const Case kCases[] = {
    {"p50 +10 %", kMedian, [](Random& r, int i) { return usual(r) * (i >= 0 ? 1.1 : 1); }},
    {"p50 +30 %", kMedian, [](Random& r, int i) { return usual(r) * (i >= 0 ? 1.3 : 1); }},
    {"p50 −30 %", kMedian, [](Random& r, int i) { return usual(r) * (i >= 0 ? 0.7 : 1); }},
    {"p50, drift of 1 % in 100 calls", kMedian, [](Random& r, int i) { return usual(r) * (1 + std::max(0, i) / 1e4); }},
    {"p95, all +30 %", kTail, [](Random& r, int i) { return usual(r) * (i >= 0 ? 1.3 : 1); }},
    {"p95, all −30 %", kTail, [](Random& r, int i) { return usual(r) * (i >= 0 ? 0.7 : 1); }},
    {"p95, one call in 10 takes 3 times as long", kTail,
     [](Random& r, int i) { return usual(r) * (i >= 0 && r() % 10 == 0 ? 3 : 1); }},
    {"p95 of heavy tails, doubled", kTail, [](Random& r, int i) { return heavy(r) * (i >= 0 ? 2 : 1); }},
    {"failures from 1 % to 3 %", kRates, [](Random& r, int i) { return rate(r, i >= 0 ? 0.03 : 0.01); }},
    {"failures from 1 % to 20 %", kRates, [](Random& r, int i) { return rate(r, i >= 0 ? 0.2 : 0.01); }},
    {"failures from none to 2 %", kRates, [](Random& r, int i) { return rate(r, i >= 0 ? 0.02 : 0); }},
};

void delays(const Case& c, unsigned runs) {
    std::vector<int> delay;
    unsigned early = 0, missed = 0;
    for (unsigned run = 0; run < runs; ++run) {
        ChangeDetector detector(c.tops);
        Random random(run);
        int at = -kBefore;
        for (; at < kAfter; ++at)
            if (detector.add(c.draw(random, at), Timestamp(Nanos(at + kBefore)))) break;
        if (at < 0)
            ++early;
        else if (at >= kAfter)
            ++missed;
        else
            delay.push_back(at + 1);
    }
    std::sort(delay.begin(), delay.end());
    const auto at = [&](double q) { return delay.empty() ? -1 : delay[static_cast<std::size_t>(q * static_cast<double>(delay.size() - 1))]; };
    std::printf("{\"case\":\"%s\",\"runs\":%u,\"median_delay\":%d,\"p95_delay\":%d,\"missed\":%u,\"false_before\":%u}\n", c.name, runs,
                at(0.5), at(0.95), missed, early);
}

// Mean number of values to a false alarm; a run is cut at 40 bars, which can only make it look worse.
void false_alarms(const char* name, std::span<const double> tops, const std::function<double(Random&)>& draw, unsigned runs,
                  double bar) {
    double sum = 0;
    for (unsigned run = 0; run < runs; ++run) {
        ChangeDetector detector(tops, bar);
        Random random(run + 1'000'000);
        int i = 0;
        for (; i < 40 * bar; ++i)
            if (detector.add(draw(random), Timestamp(Nanos(i)))) break;
        sum += i + 1;
    }
    std::printf("{\"false_alarms\":\"%s\",\"runs\":%u,\"promised\":%g,\"mean_values\":%.0f}\n", name, runs, bar, sum / runs);
}

}  // namespace

int main(int argc, char** argv) {
    const auto runs = static_cast<unsigned>(argc > 1 ? std::atoi(argv[1]) : 200);
    for (const Case& c : kCases) delays(c, runs);
    constexpr double kBar = 2'000;
    false_alarms("log-normal, p50", kMedian, usual, runs, kBar);
    false_alarms("log-normal, p95", kTail, usual, runs, kBar);
    false_alarms("Pareto with infinite mean, p95", kTail, heavy, runs, kBar);
    false_alarms("rounded to 20 ms, p95", kTail, [](Random& r) { return std::round(usual(r) / 20e6) * 20e6; }, runs, kBar);
    false_alarms("failures of 1 %", kRates, [](Random& r) { return rate(r, 0.01); }, runs, kBar);
    // Beyond the bound: each call depends on the one before.
    for (const double correlation : {0.3, 0.9}) {
        double state = 0;
        false_alarms(correlation < 0.5 ? "correlation 0.3, p50 (no bound)" : "correlation 0.9, p50 (no bound)", kMedian,
                     [&](Random& r) {
                         state = correlation * state + std::sqrt(1 - correlation * correlation) * std::normal_distribution<double>()(r);
                         return 50e6 * std::exp(0.3 * state);
                     },
                     runs, kBar);
    }
    return 0;
}
