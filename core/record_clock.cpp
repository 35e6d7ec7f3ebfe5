#include "core/record_clock.hpp"

#include <chrono>

namespace autotune {

namespace {
// Of one boot they are as far apart as the wall clock was corrected meanwhile; of two, as long as the first one ran.
constexpr Nanos kOneBoot = std::chrono::seconds(10);
}  // namespace

Nanos RecordClock::shift(const Invocation& record) {
    const Nanos apart = record.wall_start.time_since_epoch() - record.start.time_since_epoch();
    if (apart_.empty()) first_ = apart;
    const auto near = apart_.lower_bound(apart - kOneBoot);
    if (near != apart_.end() && *near <= apart + kOneBoot) return *near - first_;
    apart_.insert(apart);
    return apart - first_;
}

}  // namespace autotune
