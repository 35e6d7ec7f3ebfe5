// RecordClock: one axis of time for invocations on record, which may be of several boots.
//
// `start` and `end` of an invocation are CLOCK_MONOTONIC, which begins anew with each boot of the machine: those of two boots
// overlap though the work did not. Between two boots only the wall clock tells how far apart they are; within one the monotonic
// clock tells better, as nobody sets it. Boots are told apart by how far both clocks are from each other: that is one number within
// a boot, unless the wall clock is set or the machine sleeps, which then count as a boot of its own. Pure; one thread.
#pragma once

#include <set>

#include "core/invocation.hpp"
#include "core/time.hpp"

namespace autotune {

class RecordClock {
public:
    // What is to be added to the record's Timestamps to have them on the axis, which is the first record's own: 0 for all of its boot.
    [[nodiscard]] Nanos shift(const Invocation& record);

private:
    std::set<Nanos> apart_;  // wall clock less monotonic, of each boot that was met
    Nanos first_{0};
};

}  // namespace autotune
