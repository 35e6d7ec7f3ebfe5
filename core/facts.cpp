#include "core/facts.hpp"

#include <cassert>
#include <cstdio>

namespace autotune {

namespace {

using T = FactType;
constexpr std::array<FactInfo, kFactCount> kCatalogue{{
    {Fact::fn_name, "fn.name", T::text, "", "Name of the function."},
    {Fact::fn_version, "fn.version", T::text, "", "Version that served most invocations of the window."},
    {Fact::fn_invocations, "fn.invocations", T::integer, "1", "Invocations that ended in the window."},
    {Fact::fn_errors, "fn.errors", T::integer, "1", "Invocations that failed, for whatever reason."},
    {Fact::fn_error_rate, "fn.error_rate", T::number, "1", "fn.errors / fn.invocations."},
    {Fact::fn_timeouts, "fn.timeouts", T::integer, "1", "Invocations killed at their deadline."},
    {Fact::fn_timeout_rate, "fn.timeout_rate", T::number, "1", "fn.timeouts / fn.invocations."},
    {Fact::fn_oom_count, "fn.oom_count", T::integer, "1", "Invocations ended by the kernel's out-of-memory kill."},
    {Fact::fn_crashes, "fn.crashes", T::integer, "1", "Invocations whose process died otherwise."},
    {Fact::fn_cold_starts, "fn.cold_starts", T::integer, "1", "Invocations that waited for a new sandbox."},
    {Fact::fn_cold_start_share, "fn.cold_start_share", T::number, "1", "fn.cold_starts / fn.invocations."},
    {Fact::fn_cold_concurrency, "fn.cold_concurrency", T::integer, "1", "Most invocations under way at a time when one of them came that waited for a new sandbox, itself included; unknown where none waited."},
    {Fact::fn_p50, "fn.p50", T::duration, "s", "Median duration."},
    {Fact::fn_p95, "fn.p95", T::duration, "s", "95th percentile of the duration."},
    {Fact::fn_p99, "fn.p99", T::duration, "s", "99th percentile of the duration."},
    {Fact::fn_max_duration, "fn.max_duration", T::duration, "s", "Longest duration."},
    {Fact::fn_timeout, "fn.timeout", T::duration, "s", "Configured time limit, from the deadline the executor was told."},
    {Fact::fn_init_p95, "fn.init_p95", T::duration, "s", "95th percentile of cold starts' initialisation."},
    {Fact::fn_memory_mb, "fn.memory_mb", T::integer, "MB", "Configured memory size."},
    {Fact::fn_peak_memory_mb, "fn.peak_memory_mb", T::number, "MB", "Highest memory peak of any invocation."},
    {Fact::fn_memory_use, "fn.memory_use", T::number, "1", "fn.peak_memory_mb / fn.memory_mb."},
    {Fact::fn_cpu_share, "fn.cpu_share", T::number, "1", "CPU time / duration, summed over the window; above 1 with several threads."},
    {Fact::fn_oncpu_share, "fn.oncpu_share", T::number, "1", "Share of the duration in which the function ran or wanted to run (run queue, CPU quota), at most 1: what more CPU could shorten."},
    {Fact::fn_io_wait_share, "fn.io_wait_share", T::number, "1", "Share of the duration spent in network and file system calls, at most 1."},
    {Fact::fn_cpu_p99, "fn.cpu_p99", T::duration, "s", "99th percentile of CPU time an invocation; censored where it was killed."},
    {Fact::fn_bytes_sent, "fn.bytes_sent", T::integer, "bytes", "Bytes sent to peers."},
    {Fact::fn_bytes_received, "fn.bytes_received", T::integer, "bytes", "Bytes received from peers."},
    {Fact::fn_failed_deps, "fn.failed_deps", T::integer, "1", "Dependencies with at least one failed connection or call."},
    {Fact::fn_events_lost, "fn.events_lost", T::integer, "1", "Events the agent lost while these invocations ran."},
    {Fact::fn_told_share, "fn.told_share", T::number, "1", "Share of fn.invocations that was seen one by one; below 1 the budget left some that ended well untold, and counts, rates and percentiles are estimates from the rest."},
    {Fact::fn_throttles, "fn.throttles", T::integer, "1", "Calls that the platform refused for want of concurrency (HTTP 429); they are in no other fact."},
    {Fact::fn_throttle_rate, "fn.throttle_rate", T::number, "1", "fn.throttles / (fn.throttles + fn.invocations)."},
    {Fact::fn_concurrency_limit, "fn.concurrency_limit", T::integer, "1", "Reserved concurrency that the newest throttled call met; unknown where that was the account's limit."},
    {Fact::fn_repeated_inputs, "fn.repeated_inputs", T::integer, "1", "Invocations that ended well and had an input, byte for byte, that the same version had answered before."},
    {Fact::fn_nondeterministic, "fn.nondeterministic", T::integer, "1", "Those of fn.repeated_inputs whose output was another than the last one for that input; unknown where no input came twice."},
    {Fact::fn_p50_changed, "fn.p50_changed", T::boolean, "", "The median duration of invocations that end well changed within the window, up or down; unknown before 100 invocations."},
    {Fact::fn_p95_changed, "fn.p95_changed", T::boolean, "", "The 95th percentile of the duration of invocations that end well changed within the window, up or down; unknown before 100 invocations."},
    {Fact::fn_p99_changed, "fn.p99_changed", T::boolean, "", "The 99th percentile of the duration of invocations that end well changed within the window, up or down; unknown before 100 invocations."},
    {Fact::fn_error_rate_changed, "fn.error_rate_changed", T::boolean, "", "The share of invocations that fail changed within the window, up or down; unknown before 100 invocations."},
    {Fact::fn_cold_start_share_changed, "fn.cold_start_share_changed", T::boolean, "", "The share of cold starts changed within the window, up or down; unknown before 100 invocations."},
    {Fact::fn_init_changed, "fn.init_changed", T::boolean, "", "The initialisation of cold starts changed within the window, up or down; unknown before 100 invocations."},
    {Fact::fn_cpu_changed, "fn.cpu_changed", T::boolean, "", "The CPU time an invocation changed within the window, up or down; unknown before 100 invocations."},
    {Fact::fn_io_wait_share_changed, "fn.io_wait_share_changed", T::boolean, "", "The share of an invocation spent in network and file system calls changed within the window, up or down; unknown before 100 invocations."},
    {Fact::fn_peak_memory_changed, "fn.peak_memory_changed", T::boolean, "", "The memory peak of an invocation changed within the window, up or down; unknown before 100 invocations."},
    {Fact::fn_p50_change, "fn.p50_change", T::number, "1", "Median of the duration since the change of fn.p50_changed, as a share of what it was before, less 1: 0.5 is slower by half; unknown where nothing changed."},
    {Fact::fn_p95_change, "fn.p95_change", T::number, "1", "95th percentile of the duration since the change of fn.p95_changed, as a share of what it was before, less 1: 0.5 is slower by half; unknown where nothing changed."},
    {Fact::fn_p99_change, "fn.p99_change", T::number, "1", "99th percentile of the duration since the change of fn.p99_changed, as a share of what it was before, less 1: 0.5 is slower by half; unknown where nothing changed."},
    {Fact::dep_name, "dep.name", T::text, "", "Function, process or host:port called."},
    {Fact::dep_calls, "dep.calls", T::integer, "1", "Calls and failed connections to it."},
    {Fact::dep_errors, "dep.errors", T::integer, "1", "Those refused, reset or timed out."},
    {Fact::dep_error_rate, "dep.error_rate", T::number, "1", "dep.errors / dep.calls."},
    {Fact::dep_mean_wait, "dep.mean_wait", T::duration, "s", "Mean time a call waited in system calls."},
    {Fact::dep_bytes_sent, "dep.bytes_sent", T::integer, "bytes", "Bytes sent to it."},
    {Fact::dep_bytes_received, "dep.bytes_received", T::integer, "bytes", "Bytes received from it."},
}};

constexpr bool in_order() {
    for (std::size_t i = 0; i < kFactCount; ++i)
        if (static_cast<std::size_t>(kCatalogue[i].fact) != i) return false;
    return true;
}
static_assert(in_order(), "kCatalogue follows the enumeration");

struct Printer {
    std::string operator()(std::monostate) const { return "unknown"; }
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return shortest(v); }
    std::string operator()(const std::string& v) const { return v; }
    std::string operator()(Nanos v) const { return shortest(to_seconds(v)) + "s"; }

    static std::string shortest(double v) {
        char text[40];
        std::snprintf(text, sizeof text, "%.6g", v);
        return text;
    }
};

}  // namespace

std::span<const FactInfo, kFactCount> fact_catalogue() { return kCatalogue; }
const FactInfo& info(Fact fact) { return kCatalogue[static_cast<std::size_t>(fact)]; }

std::optional<Fact> find_fact(std::string_view name) {
    for (const FactInfo& f : kCatalogue)
        if (f.name == name) return f.fact;
    return std::nullopt;
}

std::string to_string(const FactValue& value) { return std::visit(Printer{}, value); }

std::optional<double> FactSet::number(Fact f) const {
    const FactValue& v = (*this)[f];
    if (const auto* d = std::get_if<double>(&v)) return *d;
    if (const auto* i = std::get_if<std::int64_t>(&v)) return static_cast<double>(*i);
    if (const auto* t = std::get_if<Nanos>(&v)) return to_seconds(*t);
    return std::nullopt;
}

std::optional<Nanos> FactSet::duration(Fact f) const {
    const auto* t = std::get_if<Nanos>(&(*this)[f]);
    return t ? std::optional(*t) : std::nullopt;
}

std::optional<std::int64_t> FactSet::integer(Fact f) const {
    const auto* i = std::get_if<std::int64_t>(&(*this)[f]);
    return i ? std::optional(*i) : std::nullopt;
}

}  // namespace autotune
