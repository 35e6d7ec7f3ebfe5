#include "exporters/metrics/recent_peak.hpp"

#include <algorithm>

namespace autotune::exporters {

void RecentPeak::see(WallTime at, std::uint64_t value) {
    if (!falling_.empty()) at = std::max(at, falling_.back().at);
    while (!falling_.empty() && falling_.back().value <= value) falling_.pop_back();
    falling_.push_back({at, value});
}

std::uint64_t RecentPeak::at(WallTime now) {
    while (falling_.size() > 1 && falling_.front().at < now - window_) falling_.pop_front();
    return falling_.empty() ? 0 : falling_.front().value;
}

}  // namespace autotune::exporters
