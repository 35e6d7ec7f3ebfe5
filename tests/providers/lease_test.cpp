// Two agents that know nothing of each other, over one platform: in every order of their steps, wherever one of them dies or
// stands still, one at a time changes the function.
#include "providers/lease.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "world.hpp"

namespace autotune {
namespace {

using namespace std::chrono_literals;

struct Agent {
    Agent(test::FakePlatform& p, test::FakeClock& c, std::string n, Nanos l) : platform(p), clock(c), name(std::move(n)), lease(l) { boot(); }

    void boot() {
        ExecutorOptions options;
        options.owner = name;
        options.lease = lease;
        executor = std::make_unique<Executor>(platform, journal, clock, std::move(options));
        ASSERT_TRUE(executor->recover());
    }
    // What its loop does in a turn: begins what its rule wants, gives the verdict, goes on.
    void turn() {
        if (!executor) return;
        if (!answered && executor->open().empty()) {
            const auto started = executor->start(test::oom_bump());
            answered = started.has_value();
            if (!started) told.push_back(started.error().message);
        }
        if (!executor->open().empty() && executor->open().front().step == Step::observing)
            (void)executor->decide(executor->open().front().id, test::World::report_of(Disposition::promoted), Disposition::promoted);
        (void)executor->step();
        for (Outcome& o : executor->take_outcomes()) outcomes.push_back(std::move(o));
    }
    [[nodiscard]] bool idle() const { return !executor || (answered && executor->open().empty()); }
    [[nodiscard]] auto ended(Disposition how) const {
        return std::count_if(outcomes.begin(), outcomes.end(), [&](const Outcome& o) { return o.disposition == how; });
    }

    test::FakePlatform& platform;
    test::FakeClock& clock;
    std::string name;
    Nanos lease;
    test::MemoryStore journal;
    std::unique_ptr<Executor> executor;
    std::vector<Outcome> outcomes;
    std::vector<std::string> told;  // why it may not begin yet
    bool answered = false;
};

struct Two {
    explicit Two(Nanos good_for = 60s) : lease(good_for) { platform.can.leases = true; }
    void until_idle(Nanos step = 300ms) {
        for (int i = 0; i < 400 && !(a.idle() && b.idle()); ++i) {
            clock.advance(step);
            a.turn();
            b.turn();
        }
        EXPECT_TRUE(a.idle() && b.idle());
    }
    [[nodiscard]] bool is_new() const {
        return platform.alias().stable == "2" && !platform.alias().candidate && platform.head_memory() == 256 &&
               platform.memory_of("2") == 256;
    }
    // One of them made the change, once.
    void expect_one() const {
        EXPECT_THAT(platform.effects, testing::ElementsAre("configure 256", "publish 2", "route 1+2", "route 2"));
        EXPECT_EQ(a.ended(Disposition::promoted) + b.ended(Disposition::promoted), 1);
        EXPECT_TRUE(is_new());
        EXPECT_EQ(platform.lease, "");
        EXPECT_TRUE(a.journal.changes(9).has_value());
    }

    Nanos lease;
    test::FakePlatform platform;
    test::FakeClock clock;
    mutable Agent a{platform, clock, "one", lease};
    mutable Agent b{platform, clock, "two", lease};
};

TEST(Lease, IsOneAgentsInEveryOrderOfTheirFirstTwelveSteps) {
    for (unsigned order = 0; order < 4096; ++order) {
        SCOPED_TRACE("order " + std::to_string(order));
        Two two;
        for (int i = 0; i < 12; ++i) {
            two.clock.advance(300ms);
            ((order >> i & 1U) != 0 ? two.a : two.b).turn();
        }
        two.until_idle();
        two.expect_one();
        if (testing::Test::HasFailure()) return;
    }
}

// Runs `deed` at the n-th point of what A asks of the platform, before or after it takes effect; how many points there were.
int at_point(Two& two, int n, const std::function<void()>& deed) {
    int point = 0;
    bool inside = false;
    two.platform.hook = [&](std::string_view, test::Moment) {
        if (inside || point++ != n) return;
        inside = true;
        deed();
        inside = false;
    };
    for (int i = 0; i < 100 && two.a.executor && !two.a.idle(); ++i) {
        two.clock.advance(300ms);
        two.a.turn();
    }
    two.platform.hook = [](std::string_view, test::Moment) {};
    return point;
}

TEST(Lease, IsOneAgentsWhereverTheOtherComesBetween) {
    int points = 10;
    for (int n = 0; n < points; ++n)
        for (int turns = 1; turns <= 3; ++turns) {
            SCOPED_TRACE(std::to_string(turns) + " turns of the other at point " + std::to_string(n));
            Two two;
            points = std::max(points, at_point(two, n, [&] {
                for (int i = 0; i < turns; ++i) two.b.turn();
            }));
            two.until_idle();
            two.expect_one();
            if (testing::Test::HasFailure()) return;
        }
    EXPECT_GT(points, 20);
}

// `after`: what becomes of A once B is done.
void die_everywhere(const std::function<void(Two&)>& after) {
    int points = 10;
    for (int n = 0; n < points; ++n) {
        SCOPED_TRACE("dies at point " + std::to_string(n));
        Two two;
        int seen = 0;
        try {
            seen = at_point(two, n, [] { throw test::Crash(); });
        } catch (const test::Crash&) {
            seen = n + 1;
        }
        two.platform.hook = [](std::string_view, test::Moment) {};
        points = std::max(points, seen + 1);
        if (seen <= n) return;  // it lived to the end
        two.a.executor.reset();
        two.until_idle(5s);
        EXPECT_TRUE(two.is_new()) << testing::PrintToString(two.platform.effects);
        const auto& effects = two.platform.effects;
        for (std::size_t i = 1; i < effects.size(); ++i) EXPECT_NE(effects[i], effects[i - 1]);
        EXPECT_LE(std::count(effects.begin(), effects.end(), "publish 2"), 1);
        EXPECT_LE(std::count(effects.begin(), effects.end(), "route 2"), 1);
        after(two);
        if (testing::Test::HasFailure()) return;
    }
    FAIL() << "the walk never completed";
}

TEST(Lease, OfADeadAgentIsTakenOverAndWhatItLeftIsPutBackFirst) {
    die_everywhere([](Two& two) { EXPECT_TRUE(two.b.journal.unfinished_changes()->empty()); });
}

TEST(Lease, OfAnAgentThatComesBackAfterItWasTakenOverIsNotUsedAgain) {
    die_everywhere([](Two& two) {
        const auto before = two.platform.effects;
        two.a.boot();
        two.a.answered = true;
        two.until_idle(5s);
        EXPECT_EQ(two.platform.effects, before);
        EXPECT_TRUE(two.is_new());
        EXPECT_TRUE(two.a.journal.unfinished_changes()->empty());
    });
}

TEST(Lease, OfAnAgentThatStoodStillIsLost) {
    for (int turns = 1; turns < 14; ++turns) {
        SCOPED_TRACE("stands still after " + std::to_string(turns) + " turns");
        Two two;
        for (int i = 0; i < turns; ++i) {
            two.clock.advance(300ms);
            two.a.turn();
        }
        for (int i = 0; i < 100 && !two.b.idle(); ++i) {
            two.clock.advance(5s);
            two.b.turn();
        }
        const auto before = two.platform.effects;
        two.until_idle(5s);
        EXPECT_EQ(two.platform.effects, before) << "it must see that its time was over";
        EXPECT_TRUE(two.is_new());
        EXPECT_LE(two.a.ended(Disposition::promoted) + two.b.ended(Disposition::promoted), 1);
        if (testing::Test::HasFailure()) return;
    }
}

TEST(Lease, IsKeptWhileACanaryIsWatched) {
    Two two;
    (void)two.a.executor->start(test::oom_bump());
    for (int i = 0; i < 2000; ++i) {  // 33 minutes
        two.clock.advance(1s);
        (void)two.a.executor->step();
        if (i % 15 == 0) two.b.turn();
    }
    EXPECT_EQ(two.a.executor->open().front().step, Step::observing);
    EXPECT_THAT(two.platform.effects, testing::ElementsAre("configure 256", "publish 2", "route 1+2"));
    EXPECT_THAT(two.b.told.back(), testing::HasSubstr("agent one changes it since 1970-01-01T00:16:4"));
    EXPECT_TRUE(two.b.outcomes.empty());
}

TEST(Lease, ThatIsTakenAwayByATemplateIsPutThereAgain) {
    Two two;
    (void)two.a.executor->start(test::oom_bump());
    for (int i = 0; i < 10; ++i) two.clock.advance(1s), (void)two.a.executor->step();
    two.platform.lease = "";
    for (int i = 0; i < 25; ++i) two.clock.advance(1s), (void)two.a.executor->step();
    EXPECT_THAT(two.platform.lease, testing::StartsWith("one "));
    EXPECT_EQ(two.a.executor->open().front().step, Step::observing);
}

TEST(Lease, ThatMayNotBeTakenIsARefusalThatSaysWhy) {
    Two two;
    two.platform.fault = [](std::string_view call, test::Moment when) -> std::optional<Error> {
        if (call != "set_lease" || when != test::Moment::before) return std::nullopt;
        return Error{Errc::permission_denied, "not authorized to perform: lambda:TagResource"};
    };
    for (int i = 0; i < 20; ++i) two.clock.advance(1s), two.a.turn();
    ASSERT_EQ(two.a.outcomes.size(), 1u);
    EXPECT_EQ(two.a.outcomes[0].disposition, Disposition::refused);
    EXPECT_THAT(two.a.outcomes[0].detail, testing::HasSubstr("lambda:TagResource"));
    EXPECT_TRUE(two.platform.effects.empty());
}

TEST(Lease, ThatDoesNotShowIsARefusalThatSaysWhy) {
    Two two;
    two.platform.shows_lease = false;
    for (int i = 0; i < 120; ++i) two.clock.advance(1s), two.a.turn();
    ASSERT_EQ(two.a.outcomes.size(), 1u);
    EXPECT_EQ(two.a.outcomes[0].disposition, Disposition::refused);
    EXPECT_THAT(two.a.outcomes[0].detail, testing::HasSubstr("lambda:ListTags"));
    EXPECT_TRUE(two.platform.effects.empty());
}

TEST(Lease, IsKeptWhileACallWaitsToBeTriedAgain) {
    Two two(5s);
    int failures = 0;
    two.platform.fault = [&](std::string_view call, test::Moment when) -> std::optional<Error> {
        if (call != "configure" || when != test::Moment::before || ++failures > 7) return std::nullopt;
        return Error{Errc::unavailable, "not now"};
    };
    two.a.turn();
    two.until_idle();
    EXPECT_EQ(two.a.ended(Disposition::promoted), 1);
    two.expect_one();
}

TEST(Lease, WithoutAnOwnerIsNotAskedFor) {
    Two two;
    Executor alone(two.platform, two.a.journal, two.clock, {});
    (void)alone.start(test::oom_bump());
    (void)alone.step();
    EXPECT_EQ(two.platform.lease, "");
    EXPECT_THAT(two.platform.effects, testing::ElementsAre("configure 256"));
}

TEST(LeaseText, IsReadAsItWasWritten) {
    const LeaseText lease{.owner = "ip-10-0-0-7-5f3a", .count = 17, .good_for = 60s, .since = "2026-11-27T01:50:00Z"};
    EXPECT_EQ(to_text(lease), "ip-10-0-0-7-5f3a 17 60s since 2026-11-27T01:50:00Z");
    EXPECT_EQ(lease_from(to_text(lease)), lease);
    for (const char* wrong : {"", "x", "x 1 60s since", "x 1 60 since y", "x 1 0s since y", "x -s 60s since y", "x 1 60s until y",
                              "x 1 60s since y z", "x 1 99999999999999999999s since y"})
        EXPECT_FALSE(lease_from(wrong)) << wrong;
}

TEST(LeaseText, ThatNobodyCanReadHoldsForALeasesTime) {
    Two two;
    two.platform.lease = "someone else's idea";
    two.a.turn();
    EXPECT_THAT(two.a.told.at(0), testing::HasSubstr("someone else's idea"));
    for (int i = 0; i < 100; ++i) two.clock.advance(1s), two.a.turn();
    EXPECT_TRUE(two.is_new());
}

}  // namespace
}  // namespace autotune
