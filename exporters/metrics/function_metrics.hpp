// FunctionMetrics: what functions did: invocations, durations, failures, memory, CPU, network.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "core/facts.hpp"
#include "core/invocation.hpp"
#include "core/time.hpp"
#include "exporters/metrics/name_limit.hpp"

namespace prometheus {
class Registry;
}

namespace autotune::exporters {

class FunctionMetrics {
public:
    // REQUIRES: `registry` and `names` outlive it.
    FunctionMetrics(prometheus::Registry& registry, NameLimit& names, std::size_t max_versions);
    ~FunctionMetrics();

    // Of a function that is known only from its facts, all counters exist with 0.
    void publish(WallTime at, std::span<const Invocation> invocations, std::span<const FunctionFacts> facts);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::exporters
