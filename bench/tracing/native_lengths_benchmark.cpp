// How right the lengths are that are told: functions of 1 µs, 10 µs, 100 µs and 1 ms, whose length the program measured
// itself without probes, against what is told of them, which has the probes' own time subtracted.
#include <algorithm>
#include <cmath>

#include "bench/tracing/native_traced.hpp"
#include "bench/tracing/rows.hpp"

namespace {

using namespace autotune;

const std::string kWorker = NATIVE_WORKER;
constexpr std::size_t kCount = 101;  // calls of each length
const std::vector<std::string> kLengths{"1us", "10us", "100us", "1ms"};

// Medians, in ns; empty: they were not all told.
std::vector<double> told_lengths(const std::vector<Event>& events) {
    std::vector<double> durations;
    for (const Event& e : events)
        if (const auto* call = std::get_if<CallDone>(&e.body))
            durations.push_back(static_cast<double>(call->duration.count()));
    std::vector<double> medians;
    if (durations.size() != kCount * kLengths.size()) return medians;
    for (auto from = durations.begin(); from != durations.end(); from += kCount)
        medians.push_back(bench::median({from, from + kCount}));
    return medians;
}

}  // namespace

int main() {
    const bench::AnswerFile answer;
    const std::string count = std::to_string(kCount);
    std::vector<std::vector<double>> off(kLengths.size()), known(kLengths.size());
    std::vector<double> spreads;
    for (int round = 0; round < bench::kRounds; ++round) {
        {
            bench::Worker plain({kWorker, answer.path(), "lengths", count});
            plain.go();
            plain.answer();
        }
        const std::vector<double> real = bench::take_numbers(answer.path());
        const std::vector<Event> events =
            bench::trace_native(kWorker + ":worker_spin", kWorker + " " + answer.path() + " lengths " + count);
        const std::vector<double> told = told_lengths(events);
        if (real.size() != kLengths.size() || told.size() != kLengths.size()) return 1;
        for (std::size_t i = 0; i < kLengths.size(); ++i) {
            known[i].push_back(real[i]);
            off[i].push_back(std::abs(told[i] - real[i]));
        }
        for (const Event& e : events)
            if (const auto* sums = std::get_if<CallTotals>(&e.body))
                spreads.push_back(static_cast<double>(sums->spread.count()));
    }
    bool kept = true;
    const double error_bar = bench::median(spreads);
    for (std::size_t i = 0; i < kLengths.size(); ++i)
        kept &= bench::print({.name = "native_length_" + kLengths[i],
                              .bar = std::max(0.1 * bench::median(known[i]), error_bar),
                              .ours = bench::median(off[i]),
                              .says = "ns between what is told and what it took; bar: a tenth of that, or the stated "
                                      "error bar of " +
                                      std::to_string(static_cast<long>(error_bar)) + " ns if that is more"});
    return kept ? 0 : 3;
}
