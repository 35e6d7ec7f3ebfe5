#include "host/breaks/invocation_clock.hpp"

#include <gtest/gtest.h>

namespace autotune::host {
namespace {

using namespace std::chrono_literals;

Timestamp at(Nanos since) { return from_ns(0) + since; }

TEST(InvocationClock, RunsFromItsStartToItsLimit) {
    const InvocationClock clock(at(10s), 3s);
    EXPECT_EQ(clock.spent(at(11s)), 1s);
    EXPECT_EQ(clock.left(at(11s)), 2s);
    EXPECT_EQ(clock.held(at(11s)), 0s);
    EXPECT_EQ(clock.left(at(14s)), 0s);
}

TEST(InvocationClock, StandsWhileTheInvocationIsHeld) {
    InvocationClock clock(at(0s), 3s);
    clock.stop(at(1s));
    EXPECT_TRUE(clock.stopped());
    EXPECT_EQ(clock.left(at(1h)), 2s) << "the deadline is over, yet it is not";
    EXPECT_EQ(clock.spent(at(1h)), 1s);
    EXPECT_EQ(clock.held(at(1h)), 1h - 1s);
    clock.go_on(at(1h));
    EXPECT_FALSE(clock.stopped());
    EXPECT_EQ(clock.left(at(1h + 1s)), 1s);
    EXPECT_EQ(clock.spent(at(1h + 1s)), 2s);
    EXPECT_EQ(clock.held(at(1h + 1s)), 1h - 1s);
}

TEST(InvocationClock, SumsSeveralStops) {
    InvocationClock clock(at(0s), 3s);
    for (int i = 0; i < 3; ++i) {
        clock.stop(at(i * 10s));
        clock.stop(at(i * 10s + 5s));  // stopped already
        clock.go_on(at(i * 10s + 9s));
        clock.go_on(at(i * 10s + 9s + 500ms));  // runs already
    }
    EXPECT_EQ(clock.held(at(30s)), 27s);
    EXPECT_EQ(clock.spent(at(30s)), 3s);
    EXPECT_EQ(clock.left(at(30s)), 0s);
}

}  // namespace
}  // namespace autotune::host
