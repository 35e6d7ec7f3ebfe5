// ChangeMetrics: what the rules planned and what became of it, and the canaries under way.
#pragma once

#include <memory>

#include "core/sink.hpp"
#include "exporters/metrics/name_limit.hpp"

namespace prometheus {
class Registry;
}

namespace autotune::exporters {

class ChangeMetrics {
public:
    // REQUIRES: `registry` and `names` outlive it.
    ChangeMetrics(prometheus::Registry& registry, NameLimit& names);
    ~ChangeMetrics();

    void publish(const Publication& step);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::exporters
