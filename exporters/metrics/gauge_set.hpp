// GaugeSet: gauges that exist only as long as what they tell of. Internal to exporters/metrics.
//
// Between begin() and end() all present values are set; series that were not set are removed, so that
// Prometheus sees them end instead of standing still for ever.
#pragma once

#include <map>
#include <memory>
#include <string>

namespace prometheus {
class Registry;
}

namespace autotune::exporters {

class GaugeSet {
public:
    GaugeSet(prometheus::Registry& registry, const char* name, const char* help);
    ~GaugeSet();

    void begin();
    void set(const std::map<std::string, std::string>& labels, double value);
    void end();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::exporters
