#include "exporters/prometheus_sink.hpp"

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "exporters/metrics/agent_metrics.hpp"
#include "exporters/metrics/change_metrics.hpp"
#include "exporters/metrics/function_metrics.hpp"
#include "exporters/metrics/name_limit.hpp"

namespace autotune::exporters {

struct PrometheusSink::Impl {
    explicit Impl(const PrometheusOptions& options)
        : names(options.max_functions),
          functions(registry, names, options.max_versions),
          changes(registry, names),
          agent(registry, names, options.agent_version) {}

    prometheus::Registry registry;  // locks by itself; all else is publish()'s alone
    NameLimit names;
    FunctionMetrics functions;
    ChangeMetrics changes;
    AgentMetrics agent;
};

PrometheusSink::PrometheusSink(PrometheusOptions options) : impl_(std::make_unique<Impl>(options)) {}
PrometheusSink::~PrometheusSink() = default;

Status PrometheusSink::publish(const Publication& step) {
    impl_->functions.publish(step.at, step.invocations, step.facts);
    impl_->changes.publish(step);
    impl_->agent.publish(step);
    return ok();
}

std::string PrometheusSink::render() const {
    return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace autotune::exporters
