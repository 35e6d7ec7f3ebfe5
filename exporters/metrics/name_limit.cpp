#include "exporters/metrics/name_limit.hpp"

#include "exporters/metrics/label.hpp"

namespace autotune::exporters {

std::string NameLimit::admit(std::string_view name) {
    std::string key(name);
    if (const auto found = labels_.find(key); found != labels_.end()) return found->second;
    if (labels_.size() >= limit_) {
        ++folded_;
        return std::string(kOther);
    }
    std::string label = label_value(name);
    return labels_.emplace(std::move(key), std::move(label)).first->second;
}

}  // namespace autotune::exporters
