#include "exporters/metrics/function_metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "exporters/metrics/label.hpp"
#include "exporters/metrics/recent_peak.hpp"

namespace autotune::exporters {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

constexpr Nanos kPeakWindow = std::chrono::minutes(5);

constexpr std::array kStatuses{InvocationStatus::ok,      InvocationStatus::error,
                               InvocationStatus::timeout, InvocationStatus::out_of_memory,
                               InvocationStatus::crash,   InvocationStatus::unknown};

const Histogram::BucketBoundaries& duration_buckets() {
    static const Histogram::BucketBoundaries kSeconds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                      1,     2.5,    5,     10,   30,    60,   300, 900};
    return kSeconds;
}

// `times`: how often.
void observe(Histogram& histogram, double seconds, std::uint32_t times) {
    if (times == 1) return histogram.Observe(seconds);
    const auto& bounds = duration_buckets();
    std::vector<double> buckets(bounds.size() + 1);
    buckets[static_cast<std::size_t>(std::ranges::lower_bound(bounds, seconds) - bounds.begin())] = times;
    histogram.ObserveMultiple(buckets, times * seconds);
}

struct VersionSeries {
    std::array<Counter*, kStatuses.size()> invocations{};
    Histogram* duration = nullptr;
    Gauge* memory_peak = nullptr;  // these two from the first reading on
    Gauge* memory_limit = nullptr;
    RecentPeak peak{kPeakWindow};
    std::uint64_t last_used = 0;
};

struct FunctionSeries {
    Counter& held;
    Counter& cold_starts;
    Counter& errors;
    Counter& timeouts;
    Counter& oom_kills;
    Counter& cpu_seconds;
    Counter& bytes_sent;
    Counter& bytes_received;
    std::map<std::string, VersionSeries> versions;
};

}  // namespace

struct FunctionMetrics::Impl {
    NameLimit& names;
    std::size_t max_versions;

    Family<Counter>& invocations;
    Family<Histogram>& durations;
    Family<Counter>& held;
    Family<Counter>& cold_starts;
    Family<Counter>& errors;
    Family<Counter>& timeouts;
    Family<Counter>& oom_kills;
    Family<Gauge>& memory_peaks;
    Family<Gauge>& memory_limits;
    Family<Counter>& cpu_seconds;
    Family<Counter>& bytes_sent;
    Family<Counter>& bytes_received;
    Counter& versions_retired;

    std::map<std::string, FunctionSeries> functions;  // by label
    std::uint64_t uses = 0;

    FunctionSeries& function(const std::string& name);
    VersionSeries& version(const std::string& function_name, FunctionSeries& of, const std::string& version);
    void retire_oldest(FunctionSeries& of);
    void count(const Invocation& invocation, WallTime at);
};

FunctionMetrics::FunctionMetrics(prometheus::Registry& registry, NameLimit& names, std::size_t max_versions) {
    const auto counter = [&](const char* name, const char* help) -> Family<Counter>& {
        return BuildCounter().Name(name).Help(help).Register(registry);
    };
    const auto gauge = [&](const char* name, const char* help) -> Family<Gauge>& {
        return BuildGauge().Name(name).Help(help).Register(registry);
    };
    impl_ = std::make_unique<Impl>(Impl{
        .names = names,
        .max_versions = std::max<std::size_t>(max_versions, 1),
        .invocations = counter("autotune_invocations_total", "Invocations that ended, by how they ended."),
        .durations = prometheus::BuildHistogram()
                         .Name("autotune_invocation_duration_seconds")
                         .Help("From the work's arrival in the executor to its response or death.")
                         .Register(registry),
        .held = counter("autotune_invocations_held_total",
                        "Invocations that were held for a debugger; no other metric counts them."),
        .cold_starts =
            counter("autotune_cold_starts_total", "Invocations that waited for a sandbox to be started."),
        .errors = counter("autotune_errors_total",
                          "Invocations that ended in an error or a crash of the function."),
        .timeouts = counter("autotune_timeouts_total", "Invocations that were killed at their deadline."),
        .oom_kills =
            counter("autotune_oom_kills_total", "Invocations that the kernel killed for want of memory."),
        .memory_peaks = gauge("autotune_memory_peak_bytes",
                              "Highest memory peak of any invocation in the last five "
                              "minutes that had one."),
        .memory_limits =
            gauge("autotune_memory_limit_bytes", "Memory limit of the latest invocation's sandbox."),
        .cpu_seconds = counter("autotune_cpu_seconds_total", "CPU time of invocations, all threads."),
        .bytes_sent =
            counter("autotune_network_sent_bytes_total", "Bytes that invocations sent to their peers."),
        .bytes_received = counter("autotune_network_received_bytes_total",
                                  "Bytes that invocations received from their peers."),
        .versions_retired = counter("autotune_versions_retired_total",
                                    "Versions whose series were removed to make room for newer ones.")
                                .Add({}),
    });
}
FunctionMetrics::~FunctionMetrics() = default;

FunctionSeries& FunctionMetrics::Impl::function(const std::string& name) {
    if (const auto found = functions.find(name); found != functions.end()) return found->second;
    const prometheus::Labels labels{{"function", name}};
    FunctionSeries series{.held = held.Add(labels),
                          .cold_starts = cold_starts.Add(labels),
                          .errors = errors.Add(labels),
                          .timeouts = timeouts.Add(labels),
                          .oom_kills = oom_kills.Add(labels),
                          .cpu_seconds = cpu_seconds.Add(labels),
                          .bytes_sent = bytes_sent.Add(labels),
                          .bytes_received = bytes_received.Add(labels),
                          .versions = {}};
    return functions.emplace(name, std::move(series)).first->second;
}

VersionSeries& FunctionMetrics::Impl::version(const std::string& function_name, FunctionSeries& of,
                                              const std::string& version) {
    const auto found = of.versions.find(version);
    if (found != of.versions.end()) return found->second;
    // New versions are the ones that matter, canaries above all: it is the old that make room.
    if (of.versions.size() >= max_versions) retire_oldest(of);
    VersionSeries series;
    const prometheus::Labels labels{{"function", function_name}, {"version", version}};
    for (std::size_t i = 0; i < kStatuses.size(); ++i) {
        auto with_status = labels;
        with_status.emplace("status", to_string(kStatuses[i]));
        series.invocations[i] = &invocations.Add(with_status);
    }
    series.duration = &durations.Add(labels, duration_buckets());
    return of.versions.emplace(version, std::move(series)).first->second;
}

void FunctionMetrics::Impl::retire_oldest(FunctionSeries& of) {
    const auto oldest = std::min_element(
        of.versions.begin(), of.versions.end(),
        [](const auto& a, const auto& b) { return a.second.last_used < b.second.last_used; });
    const VersionSeries& series = oldest->second;
    for (Counter* c : series.invocations) invocations.Remove(c);
    durations.Remove(series.duration);
    if (series.memory_peak != nullptr) memory_peaks.Remove(series.memory_peak);
    if (series.memory_limit != nullptr) memory_limits.Remove(series.memory_limit);
    of.versions.erase(oldest);
    versions_retired.Increment();
}

void FunctionMetrics::Impl::count(const Invocation& invocation, WallTime at) {
    const std::string name = names.admit(invocation.function.name);
    FunctionSeries& f = function(name);
    if (invocation.held) return f.held.Increment();
    const std::string version_label =
        name == NameLimit::kOther ? std::string(NameLimit::kOther) : label_value(invocation.version);
    VersionSeries& v = version(name, f, version_label);
    v.last_used = ++uses;
    const double times = invocation.stands_for;

    const auto status = std::find(kStatuses.begin(), kStatuses.end(), invocation.status);
    if (status != kStatuses.end())
        v.invocations[static_cast<std::size_t>(status - kStatuses.begin())]->Increment(times);
    observe(*v.duration, to_seconds(invocation.duration), invocation.stands_for);
    if (invocation.cold) f.cold_starts.Increment();
    switch (invocation.status) {
        case InvocationStatus::error:
        case InvocationStatus::crash: f.errors.Increment(); break;
        case InvocationStatus::timeout: f.timeouts.Increment(); break;
        case InvocationStatus::out_of_memory: f.oom_kills.Increment(); break;
        case InvocationStatus::ok:
        case InvocationStatus::unknown: break;
    }
    f.cpu_seconds.Increment(times * to_seconds(std::max(invocation.cpu, Nanos(0))));
    for (const PeerIo& peer : invocation.peers) {
        f.bytes_sent.Increment(times * static_cast<double>(peer.bytes_sent));
        f.bytes_received.Increment(times * static_cast<double>(peer.bytes_received));
    }

    const prometheus::Labels labels{{"function", name}, {"version", version_label}};
    if (invocation.memory_peak > 0) {
        if (v.memory_peak == nullptr) v.memory_peak = &memory_peaks.Add(labels);
        v.peak.see(at, invocation.memory_peak);
    }
    if (invocation.memory_limit > 0) {
        if (v.memory_limit == nullptr) v.memory_limit = &memory_limits.Add(labels);
        v.memory_limit->Set(static_cast<double>(invocation.memory_limit));
    }
}

void FunctionMetrics::publish(WallTime at, std::span<const Invocation> invocations,
                              std::span<const FunctionFacts> facts) {
    for (const FunctionFacts& known : facts) impl_->function(impl_->names.admit(known.function.name));
    for (const Invocation& invocation : invocations) impl_->count(invocation, at);
    for (auto& [name, f] : impl_->functions)
        for (auto& [version, v] : f.versions)
            if (v.memory_peak != nullptr) v.memory_peak->Set(static_cast<double>(v.peak.at(at)));
}

}  // namespace autotune::exporters
