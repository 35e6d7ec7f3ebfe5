// What is watched of a function for changes over time, invocation by invocation. Pure values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "analyzer/change_detector.hpp"
#include "core/facts.hpp"

namespace autotune::analysis {

struct Record;

// The facts fn.…_changed, in the order of the enumeration.
inline constexpr std::array kChangeFacts{Fact::fn_p50_changed,      Fact::fn_p95_changed,
                                         Fact::fn_p99_changed,      Fact::fn_error_rate_changed,
                                         Fact::fn_cold_start_share_changed, Fact::fn_init_changed,
                                         Fact::fn_cpu_changed,      Fact::fn_io_wait_share_changed,
                                         Fact::fn_peak_memory_changed};

class ChangeWatch {
public:
    ChangeWatch();
    // Durations, CPU, waits and memory of invocations that ended well; failures and cold starts of all whose end is
    // known. One that stands for several counts so many times among successes.
    void add(const Record& record);
    // REQUIRES: `fact` is one of kChangeFacts.
    [[nodiscard]] const ChangeDetector& of(Fact fact) const;

private:
    ChangeDetector& at(Fact fact);
    std::array<ChangeDetector, kChangeFacts.size()> detectors_;
};

}  // namespace autotune::analysis
