#include "core/record_clock.hpp"

#include <gtest/gtest.h>

namespace autotune {
namespace {

using namespace std::chrono_literals;

Invocation at(Nanos monotonic, Nanos wall) {
    Invocation i;
    i.start = Timestamp(monotonic);
    i.wall_start = WallTime(wall);
    return i;
}

TEST(RecordClock, LeavesTimesOfOneBootAsTheyAre) {
    RecordClock clock;
    EXPECT_EQ(clock.shift(at(100s, 1'000'100s)), 0ns);
    EXPECT_EQ(clock.shift(at(50s, 1'000'050s)), 0ns);
    EXPECT_EQ(clock.shift(at(900s, 1'000'903s)), 0ns) << "the wall clock was corrected by three seconds";
}

TEST(RecordClock, PutsAnotherBootWhereTheWallClockHasIt) {
    RecordClock clock;
    ASSERT_EQ(clock.shift(at(100s, 1'003'000s)), 0ns);
    // An hour before, and for more than half an hour on; then the machine began anew.
    EXPECT_EQ(clock.shift(at(2'000s, 1'000'000s)), 1'000'000s - 2'000s - (1'003'000s - 100s));
    EXPECT_EQ(clock.shift(at(2'500s, 1'000'501s)), 1'000'000s - 2'000s - (1'003'000s - 100s)) << "as exact as its own clock";
    EXPECT_EQ(clock.shift(at(105s, 1'003'005s)), 0ns);
}

}  // namespace
}  // namespace autotune
