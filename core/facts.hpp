// Facts: what the analyzer knows about a function over a window, and what rule conditions may name.
//
// The list of facts is the contract between analyzer and rules: each has a name, a CEL type, a unit
// and one sentence. A fact that could not be measured is unknown; a condition that needs an unknown
// fact never fires. To add a fact: one line here, one in facts.cpp, and the analyzer's computation.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/ids.hpp"
#include "core/time.hpp"

namespace autotune {

enum class Fact : std::uint16_t {
    // of the function: fn.*
    fn_name, fn_version, fn_invocations, fn_errors, fn_error_rate, fn_timeouts, fn_timeout_rate, fn_oom_count,
    fn_crashes, fn_cold_starts, fn_cold_start_share, fn_cold_concurrency, fn_p50, fn_p95, fn_p99, fn_max_duration,
    fn_timeout, fn_init_p95, fn_memory_mb, fn_peak_memory_mb, fn_memory_use, fn_cpu_share,
    fn_oncpu_share, fn_io_wait_share, fn_cpu_p99, fn_bytes_sent, fn_bytes_received, fn_failed_deps,
    fn_events_lost, fn_told_share,
    // of the function, as the platform tells of its calls
    fn_throttles, fn_throttle_rate, fn_concurrency_limit, fn_repeated_inputs, fn_nondeterministic,
    // of the function, over time
    fn_p50_changed, fn_p95_changed, fn_p99_changed, fn_error_rate_changed, fn_cold_start_share_changed,
    fn_init_changed, fn_cpu_changed, fn_io_wait_share_changed, fn_peak_memory_changed,
    fn_p50_change, fn_p95_change, fn_p99_change,
    // of one dependency of it: dep.*
    dep_name, dep_calls, dep_errors, dep_error_rate, dep_mean_wait, dep_bytes_sent, dep_bytes_received,
    count_  // not a fact
};
inline constexpr std::size_t kFactCount = static_cast<std::size_t>(Fact::count_);

enum class FactType : std::uint8_t { boolean, integer, number, text, duration };

struct FactInfo {
    Fact fact{};
    std::string_view name;   // "fn.p95"
    FactType type{};
    std::string_view unit;   // "", "1", "MB", "bytes", "s"
    std::string_view help;   // one sentence
};

// All facts, in the order of the enumeration.
[[nodiscard]] std::span<const FactInfo, kFactCount> fact_catalogue();
[[nodiscard]] const FactInfo& info(Fact fact);
[[nodiscard]] std::optional<Fact> find_fact(std::string_view name);

// monostate: unknown.
using FactValue = std::variant<std::monostate, bool, std::int64_t, double, std::string, Nanos>;
[[nodiscard]] std::string to_string(const FactValue& value);  // "unknown", "0.25", "1.5s"

class FactSet {
public:
    [[nodiscard]] const FactValue& operator[](Fact f) const { return values_[static_cast<std::size_t>(f)]; }
    void set(Fact f, FactValue v) { values_[static_cast<std::size_t>(f)] = std::move(v); }
    [[nodiscard]] bool known(Fact f) const { return (*this)[f].index() != 0; }

    // nullopt when unknown or of another type; integers and durations (seconds) widen to numbers.
    [[nodiscard]] std::optional<double> number(Fact f) const;
    [[nodiscard]] std::optional<Nanos> duration(Fact f) const;
    [[nodiscard]] std::optional<std::int64_t> integer(Fact f) const;
    bool operator==(const FactSet&) const = default;

private:
    std::array<FactValue, kFactCount> values_{};
};

// Facts of one function over [from, to). Its fn.* are in `fn`; one FactSet of dep.* a dependency.
struct FunctionFacts {
    FunctionRef function;
    std::map<std::string, std::string> labels;
    Timestamp from, to;
    FactSet fn;
    std::vector<FactSet> deps;
    // Evidence that is no number: what people are shown.
    std::optional<Timestamp> last_oom;       // time of the kernel's kill
    std::optional<Timestamp> last_timeout;
    std::optional<Timestamp> last_throttle;
    std::string differed;                    // two invocations that answered the same input otherwise: "ID and ID"; "" when none
    std::string hottest_frame;               // leaf with most samples, "" when none
    double hottest_share = 0;                // of samples
};

}  // namespace autotune
