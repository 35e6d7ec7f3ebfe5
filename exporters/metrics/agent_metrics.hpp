// AgentMetrics: what the agent says of itself: events, losses, own cost.
#pragma once

#include <memory>
#include <string>

#include "core/sink.hpp"
#include "exporters/metrics/name_limit.hpp"

namespace prometheus {
class Registry;
}

namespace autotune::exporters {

class AgentMetrics {
public:
    // REQUIRES: `registry` and `names` outlive it.
    AgentMetrics(prometheus::Registry& registry, const NameLimit& names, const std::string& agent_version);
    ~AgentMetrics();

    void publish(const Publication& step);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::exporters
