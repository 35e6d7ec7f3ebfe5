#include "exporters/metrics/gauge_set.hpp"

#include <prometheus/gauge.h>
#include <prometheus/registry.h>

namespace autotune::exporters {

struct GaugeSet::Impl {
    struct Series {
        prometheus::Gauge* gauge = nullptr;
        bool present = false;
    };
    prometheus::Family<prometheus::Gauge>& family;
    std::map<std::map<std::string, std::string>, Series> series;
};

GaugeSet::GaugeSet(prometheus::Registry& registry, const char* name, const char* help)
    : impl_(std::make_unique<Impl>(
          Impl{prometheus::BuildGauge().Name(name).Help(help).Register(registry), {}})) {}
GaugeSet::~GaugeSet() = default;

void GaugeSet::begin() {
    for (auto& [labels, series] : impl_->series) series.present = false;
}

void GaugeSet::set(const std::map<std::string, std::string>& labels, double value) {
    auto& series = impl_->series[labels];
    if (series.gauge == nullptr) series.gauge = &impl_->family.Add(labels);
    series.gauge->Set(value);
    series.present = true;
}

void GaugeSet::end() {
    std::erase_if(impl_->series, [&](const auto& entry) {
        if (!entry.second.present) impl_->family.Remove(entry.second.gauge);
        return !entry.second.present;
    });
}

}  // namespace autotune::exporters
