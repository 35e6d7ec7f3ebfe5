#include "analyzer/change_watch.hpp"

#include <algorithm>

#include "analyzer/history.hpp"

namespace autotune::analysis {

namespace {

constexpr std::array kMedian{0.5};
constexpr std::array kTail{0.05};
constexpr std::array kFarTail{0.01};
constexpr std::array kBulk{0.5, 0.05};
// Rates of any size: what fails is ranked above what does not.
constexpr std::array kRates{0.3, 0.08, 0.02, 0.005};

constexpr double kMillion = 1e6;
constexpr std::uint32_t kMostTimes = 64;

double yes_or_no(bool v) { return v ? kMillion : 0; }

std::size_t place_of(Fact fact) {
    return static_cast<std::size_t>(std::find(kChangeFacts.begin(), kChangeFacts.end(), fact) - kChangeFacts.begin());
}

}  // namespace

ChangeWatch::ChangeWatch()
    : detectors_{ChangeDetector(kMedian), ChangeDetector(kTail), ChangeDetector(kFarTail),
                 ChangeDetector(kRates),  ChangeDetector(kRates), ChangeDetector(kBulk),
                 ChangeDetector(kBulk),   ChangeDetector(kBulk), ChangeDetector(kBulk)} {}

const ChangeDetector& ChangeWatch::of(Fact fact) const { return detectors_[place_of(fact)]; }
ChangeDetector& ChangeWatch::at(Fact fact) { return detectors_[place_of(fact)]; }

void ChangeWatch::add(const Record& r) {
    if (r.status == InvocationStatus::unknown) return;
    const std::uint32_t times = std::clamp<std::uint32_t>(r.stands_for, 1, kMostTimes);
    for (std::uint32_t i = 0; i < times; ++i) {
        at(Fact::fn_error_rate_changed).add(yes_or_no(failed(r.status)), r.end);
        at(Fact::fn_cold_start_share_changed).add(yes_or_no(r.cold), r.end);
    }
    if (r.cold && r.init.count() > 0)
        at(Fact::fn_init_changed).add(static_cast<double>(r.init.count()), r.end);
    if (failed(r.status)) return;
    const auto duration = static_cast<double>(r.duration().count());
    for (const Fact fact : {Fact::fn_p50_changed, Fact::fn_p95_changed, Fact::fn_p99_changed}) at(fact).add(duration, r.end);
    if (r.cpu_known()) at(Fact::fn_cpu_changed).add(static_cast<double>(r.cpu.count()), r.end);
    const auto waited = static_cast<double>(std::min(r.duration(), r.network_wait + r.disk_wait).count());
    at(Fact::fn_io_wait_share_changed).add(duration > 0 ? kMillion * waited / duration : 0, r.end);
    if (r.memory_peak > 0 && !r.memory_peak_is_bound)
        at(Fact::fn_peak_memory_changed).add(static_cast<double>(r.memory_peak), r.end);
}

}  // namespace autotune::analysis
