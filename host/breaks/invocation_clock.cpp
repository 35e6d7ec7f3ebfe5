#include "host/breaks/invocation_clock.hpp"

#include <algorithm>

namespace autotune::host {

void InvocationClock::stop(Timestamp now) {
    if (!stopped_since_) stopped_since_ = now;
}

void InvocationClock::go_on(Timestamp now) {
    held_ = held(now);
    stopped_since_.reset();
}

Nanos InvocationClock::held(Timestamp now) const {
    return stopped_since_ ? held_ + (now - *stopped_since_) : held_;
}

Nanos InvocationClock::left(Timestamp now) const { return std::max(Nanos(0), limit_ - spent(now)); }

}  // namespace autotune::host
