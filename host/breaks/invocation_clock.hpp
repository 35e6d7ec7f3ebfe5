// InvocationClock: how much of an invocation's time is spent, when some of the time does not count. Pure.
#pragma once

#include <optional>

#include "core/time.hpp"

namespace autotune::host {

class InvocationClock {
public:
    InvocationClock(Timestamp started, Nanos limit) : started_(started), limit_(limit) {}

    // From `now` on no time passes. Stopped already: nothing changes.
    void stop(Timestamp now);
    void go_on(Timestamp now);
    [[nodiscard]] bool stopped() const { return stopped_since_.has_value(); }

    [[nodiscard]] Nanos held(Timestamp now) const;  // the time that did not count
    [[nodiscard]] Nanos spent(Timestamp now) const { return now - started_ - held(now); }
    [[nodiscard]] Nanos left(Timestamp now) const;  // until the limit; never below 0

private:
    Timestamp started_;
    Nanos limit_;
    Nanos held_{0};
    std::optional<Timestamp> stopped_since_;
};

}  // namespace autotune::host
