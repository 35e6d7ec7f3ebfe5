#include "exporters/metrics/agent_metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <map>

#include "core/event.hpp"
#include "exporters/metrics/label.hpp"

namespace autotune::exporters {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Registry;

Family<Counter>& counter(Registry& registry, const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
Gauge& gauge(Registry& registry, const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

// A counter that follows a sum which somebody else keeps. A smaller sum than before: it started anew.
class Follower {
public:
    explicit Follower(Counter& counter) : counter_(counter) {}
    void follow(double sum) {
        counter_.Increment(sum >= last_ ? sum - last_ : sum);
        last_ = sum;
    }

private:
    Counter& counter_;
    double last_ = 0;
};

}  // namespace

struct AgentMetrics::Impl {
    Impl(Registry& registry, const NameLimit& name_limit);
    Follower& lost(const std::string& kind);

    const NameLimit& names;
    Follower events;
    Family<Counter>& lost_events;
    std::map<std::string, Follower> lost_by_kind;
    Follower cpu_seconds;
    Follower bpf_seconds;
    Gauge& resident_bytes;
    Gauge& budget;
    Gauge& load;
    Family<Gauge>& shed;
    Gauge& invocations_told;
    Gauge& attached;
    Gauge& missing;
    Gauge& rules_loaded;
    Gauge& last_step;
    Follower folded;
    Follower notifications_dropped;
};

AgentMetrics::Impl::Impl(Registry& registry, const NameLimit& name_limit)
    : names(name_limit),
      events(counter(registry, "autotune_events_total", "Events that the agent decoded.").Add({})),
      lost_events(
          counter(registry, "autotune_events_lost_total", "Records that never became events, by reason.")),
      cpu_seconds(
          counter(registry, "autotune_agent_cpu_seconds_total", "CPU time of the agent's own process.")
              .Add({})),
      bpf_seconds(counter(registry, "autotune_bpf_seconds_total",
                          "Run time of the BPF programs; stays 0 where the kernel does not tell.")
                      .Add({})),
      resident_bytes(
          gauge(registry, "autotune_agent_resident_memory_bytes", "Memory of the agent's own process.")),
      budget(gauge(registry, "autotune_agent_budget_cores", "CPU that the agent may use; 0: no budget.")),
      load(gauge(registry, "autotune_agent_load_cores",
                 "CPU that the agent used lately, its BPF programs included.")),
      shed(prometheus::BuildGauge()
               .Name("autotune_agent_shed")
               .Help("1 when this detail is given up to keep the budget.")
               .Register(registry)),
      invocations_told(gauge(registry, "autotune_agent_invocations_told_ratio",
                             "Share of the invocations that end well which the budget lets be told one by one; "
                             "counts of them are estimates below 1.")),
      attached(gauge(registry, "autotune_agent_attached", "1 when the event sources are attached.")),
      missing(gauge(registry, "autotune_agent_missing_capabilities",
                    "How many things this kernel or user does not allow; autotune doctor names them.")),
      rules_loaded(
          gauge(registry, "autotune_rules_loaded", "1 when the rules file was read without errors.")),
      last_step(gauge(registry, "autotune_last_step_timestamp_seconds",
                      "When the loop last finished a step, Unix time.")),
      folded(counter(registry, "autotune_names_folded_total",
                     "Times a function was counted as \"_other\", there being too many.")
                 .Add({})),
      notifications_dropped(
          counter(registry, "autotune_notifications_dropped_total", "Messages to people that did not arrive.")
              .Add({})) {
    // The series of every kind exist before the first loss.
    for (std::size_t kind = 0; kind < kLossKindCount; ++kind)
        lost(std::string(to_string(static_cast<LossKind>(kind))));
}

Follower& AgentMetrics::Impl::lost(const std::string& kind) {
    const auto found = lost_by_kind.find(kind);
    if (found != lost_by_kind.end()) return found->second;
    return lost_by_kind.emplace(kind, Follower(lost_events.Add({{"kind", label_value(kind)}}))).first->second;
}

AgentMetrics::AgentMetrics(Registry& registry, const NameLimit& names, const std::string& agent_version)
    : impl_(std::make_unique<Impl>(registry, names)) {
    prometheus::BuildGauge()
        .Name("autotune_build_info")
        .Help("1; the label tells which build this is.")
        .Register(registry)
        .Add({{"version", label_value(agent_version)}})
        .Set(1);
}
AgentMetrics::~AgentMetrics() = default;

void AgentMetrics::publish(const Publication& step) {
    Impl& m = *impl_;
    m.last_step.Set(to_seconds(step.at.time_since_epoch()));
    m.folded.follow(static_cast<double>(m.names.folded()));
    if (step.health == nullptr) return;
    const AgentHealth& health = *step.health;
    m.events.follow(static_cast<double>(health.events));
    for (const auto& [kind, count] : health.lost) m.lost(kind).follow(static_cast<double>(count));
    m.cpu_seconds.follow(health.cpu_seconds);
    m.bpf_seconds.follow(health.bpf_seconds);
    m.resident_bytes.Set(static_cast<double>(health.resident_bytes));
    m.budget.Set(health.budget_cores);
    m.load.Set(health.load_cores);
    for (const auto& [detail, given_up] : health.shed)
        m.shed.Add({{"detail", label_value(detail)}}).Set(given_up ? 1 : 0);
    m.invocations_told.Set(health.invocations_told);
    m.attached.Set(health.attached ? 1 : 0);
    m.missing.Set(static_cast<double>(health.missing.size()));
    m.notifications_dropped.follow(static_cast<double>(health.notifications_dropped));
    m.rules_loaded.Set(health.rules_loaded ? 1 : 0);
}

}  // namespace autotune::exporters
