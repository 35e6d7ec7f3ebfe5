// RecentPeak: the largest of the values seen within the last while.
//
// A gauge is looked at every 15 s or so; a step of the loop is shorter. The peak of one step would mostly
// be missed, the peak of all time never falls.
#pragma once

#include <cstdint>
#include <deque>

#include "core/time.hpp"

namespace autotune::exporters {

class RecentPeak {
public:
    explicit RecentPeak(Nanos window) : window_(window) {}

    // REQUIRES: `at` does not go back; if it does (the wall clock was set), the value counts as of the
    // latest time seen.
    void see(WallTime at, std::uint64_t value);

    // The largest of [now - window, now]; of the last value seen when none is that young; 0 when none was.
    [[nodiscard]] std::uint64_t at(WallTime now);

private:
    struct Seen {
        WallTime at;
        std::uint64_t value = 0;
    };
    Nanos window_;
    std::deque<Seen> falling_;  // values fall from front to back: each can still become the largest
};

}  // namespace autotune::exporters
