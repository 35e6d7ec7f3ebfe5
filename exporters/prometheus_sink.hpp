// PrometheusSink: what the loop sees, as metrics for Prometheus to scrape. On prometheus-cpp.
//
// Names follow the conventions of Prometheus: base units, `_total` on counters. Every metric, its labels
// and its meaning stand in docs/metrics.md. Ids (of invocations, traces, changes) are never labels. The
// number of series is bounded: functions past max_functions share the name "_other", of a function's
// versions the longest unused make room for new ones; both are counted. Counters that alerts look at
// exist with 0 from the moment their function is first seen, so that rate() sees the first increment.
// publish() on one thread; render() on any.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "core/sink.hpp"

namespace autotune::exporters {

struct PrometheusOptions {
    std::string agent_version;  // label of autotune_build_info
    std::size_t max_functions = 1000;
    std::size_t max_versions = 20;  // of one function
};

class PrometheusSink final : public Sink {
public:
    explicit PrometheusSink(PrometheusOptions options = {});
    ~PrometheusSink() override;

    Status publish(const Publication& step) override;  // never fails

    // All series in the text exposition format 0.0.4.
    [[nodiscard]] std::string render() const;
    static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::exporters
