// The platform fails, throttles, loses answers; the journal fails; people do things meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "world.hpp"

namespace autotune {
namespace {

using test::Moment;
using test::World;
using testing::ElementsAre;
using testing::HasSubstr;

struct Fault {
    const char* name;
    Errc code;
    Moment moment;
};

struct Deed {
    const char* name;
    Action action;
};

class FaultWalk : public testing::TestWithParam<std::tuple<Fault, Disposition, Deed>> {};

// One call fails, whichever it is: the end is the same as without.
TEST_P(FaultWalk, OneFailedCallChangesNothingOfTheEnd) {
    const auto [fault, verdict, deed] = GetParam();
    // Without a fault: get, configure, publish, route, and get, route for the verdict. Of a reservation: get, reserved, reserved,
    // reserve, and reserved for the verdict, to keep it.
    const int least = makes_version(deed.action.change) ? 6 : 5;
    int calls = least;
    for (int n = 0; n < calls; ++n) {
        SCOPED_TRACE("fails at call " + std::to_string(n));
        test::MemoryStore journal;
        World world(journal);
        world.action = deed.action;
        int call = -1;
        world.platform.fault = [&, f = fault](std::string_view, Moment moment) -> std::optional<Error> {
            if (moment == Moment::before) ++call;
            if (call != n || moment != f.moment) return std::nullopt;
            return Error{f.code, "as planned"};
        };
        world.live_through(verdict);
        if (journal.changes(1)->empty()) {
            EXPECT_LE(n, makes_version(deed.action.change) ? 0 : 1);  // the looks before it begins
        } else {
            EXPECT_TRUE(verdict == Disposition::promoted ? world.fully_new() : world.fully_old())
                << world.told();
            EXPECT_EQ(journal.changes(1)->front().disposition, verdict);
        }
        const auto& effects = world.platform.effects;
        for (const char* once :
             {"configure 256", "publish 2", "route 1+2", "route 2", "route 1", "configure 128", "layer autotune-remedy-12ab",
              "configure autotune_remedy.handler", "configure app.handler", "deploy new code", "deploy old code", "reserve 3",
              "reserve 1", "warm 3", "warm none"})
            EXPECT_LE(std::count(effects.begin(), effects.end(), once), 1) << world.told();
        calls = std::max(calls, call + 1);
    }
    EXPECT_GT(calls, least);  // after a fault it looked first
}

INSTANTIATE_TEST_SUITE_P(
    All, FaultWalk,
    testing::Combine(testing::Values(Fault{"Throttled", Errc::resource_exhausted, Moment::before},
                                     Fault{"Conflict", Errc::conflict, Moment::before},
                                     Fault{"Unavailable", Errc::unavailable, Moment::before},
                                     Fault{"HalfAnswer", Errc::unavailable, Moment::after},
                                     Fault{"TimedOutAndNotDone", Errc::timed_out, Moment::before},
                                     Fault{"TimedOutAndDone", Errc::timed_out, Moment::after}),
                     testing::Values(Disposition::promoted, Disposition::rolled_back),
                     testing::Values(Deed{"Resize", test::oom_bump()}, Deed{"Wrap", test::put_cache()},
                                     Deed{"Deploy", test::deploy_new_code()}, Deed{"Reserve", test::reserve_more()},
                                     Deed{"KeepWarm", test::keep_some_warm()})),
    [](const auto& tested) {
        return std::string(std::get<0>(tested.param).name) +
               (std::get<1>(tested.param) == Disposition::promoted ? "Promote" : "Rollback") +
               std::get<2>(tested.param).name;
    });

class ExecutorFaults : public testing::Test {
protected:
    void fail_always(const std::string& call, Errc code) {
        world_.platform.fault = [call, code](std::string_view c, Moment m) -> std::optional<Error> {
            if (c != call || m != Moment::before) return std::nullopt;
            return Error{code, call + " does not work"};
        };
    }
    void begin() {
        world_.boot();
        ASSERT_TRUE(world_.executor->start(test::oom_bump()).value());
    }
    void expect_failed(const std::string& why) {
        ASSERT_EQ(world_.outcomes.size(), 1u) << world_.told();
        EXPECT_EQ(world_.outcomes[0].disposition, Disposition::failed);
        EXPECT_THAT(world_.outcomes[0].detail, HasSubstr(why));
    }
    test::MemoryStore journal_;
    World world_{journal_};
};

TEST_F(ExecutorFaults, GivesUpWhatNeverWorksAndGoesBack) {
    for (const char* call : {"publish", "route"})
        for (const Errc code : {Errc::unavailable, Errc::conflict, Errc::permission_denied}) {
            SCOPED_TRACE(std::string(call) + " " + std::string(to_string(code)));
            test::MemoryStore journal;
            World world(journal);
            world.platform.fault = [&](std::string_view c, Moment) -> std::optional<Error> {
                if (c != call) return std::nullopt;
                return Error{code, "no"};
            };
            // A lost answer: the publish or route takes effect or not, as `before` and `after` both fail.
            world.live_through(Disposition::promoted);
            EXPECT_TRUE(world.fully_old()) << world.told();
            ASSERT_EQ(world.outcomes.size(), 1u);
            EXPECT_EQ(world.outcomes[0].disposition, Disposition::failed);
            EXPECT_EQ(world.outcomes[0].detail, "no");
        }
}

TEST_F(ExecutorFaults, TriesAPassingErrorOnlySoOften) {
    begin();
    fail_always("configure", Errc::unavailable);
    world_.run(Disposition::promoted);
    expect_failed("configure does not work");
    EXPECT_EQ(std::count(world_.platform.calls.begin(), world_.platform.calls.end(), "configure"), 8);
    EXPECT_TRUE(world_.fully_old());
}

TEST_F(ExecutorFaults, TriesAPermanentErrorOnce) {
    begin();
    fail_always("configure", Errc::invalid_argument);
    world_.run(Disposition::promoted);
    expect_failed("configure does not work");
    EXPECT_EQ(std::count(world_.platform.calls.begin(), world_.platform.calls.end(), "configure"), 1);
}

TEST_F(ExecutorFaults, WaitsBetweenAttempts) {
    begin();
    fail_always("configure", Errc::unavailable);
    for (int i = 0; i < 50; ++i) (void)world_.executor->step();  // no time passes
    EXPECT_LE(std::count(world_.platform.calls.begin(), world_.platform.calls.end(), "configure"), 2);
    EXPECT_EQ(world_.executor->open().front().detail, "configure does not work");
}

TEST_F(ExecutorFaults, LeavesNoRouteOnItsWayThatCouldStillSplitTheAlias) {
    begin();
    const Etag old = world_.platform.alias().etag;
    int lost = 0;
    world_.platform.fault = [&](std::string_view c, Moment m) -> std::optional<Error> {
        if (c != "route" || m != Moment::before || ++lost > 8) return std::nullopt;
        return Error{Errc::timed_out, "no answer"};
    };
    world_.run(Disposition::promoted);
    expect_failed("no answer");
    EXPECT_TRUE(world_.fully_old());
    // The first one arrives now.
    const auto late = world_.platform.route({"fake", "orders"}, {"live", "1", "2", 0.1, old});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, Errc::conflict);
}

TEST_F(ExecutorFaults, NeverStopsTryingToGoBack) {
    begin();
    world_.run(std::nullopt);
    fail_always("route", Errc::permission_denied);
    world_.run(Disposition::rolled_back);
    ASSERT_EQ(world_.executor->open().size(), 1u);
    EXPECT_EQ(world_.executor->open().front().step, Step::reverting);
    fail_always("nothing", Errc::internal);
    world_.run(Disposition::rolled_back);
    EXPECT_TRUE(world_.fully_old());
    EXPECT_EQ(world_.outcomes.at(0).disposition, Disposition::rolled_back);
}

TEST_F(ExecutorFaults, GoesBackWhenAPromotionIsNotAllowed) {
    begin();
    world_.run(std::nullopt);
    bool refused = false;
    world_.platform.fault = [&](std::string_view c, Moment m) -> std::optional<Error> {
        if (c != "route" || m != Moment::before || std::exchange(refused, true)) return std::nullopt;
        return Error{Errc::permission_denied, "not you"};
    };
    world_.run(Disposition::promoted);
    expect_failed("not you");
    EXPECT_TRUE(world_.fully_old());
}

TEST_F(ExecutorFaults, SaysWhenTheHeadCouldNotBePutBack) {
    begin();
    world_.run(std::nullopt);
    fail_always("configure", Errc::permission_denied);
    world_.run(Disposition::rolled_back);
    expect_failed("the head could not be put back: configure does not work");
    EXPECT_EQ(world_.platform.alias().candidate, std::nullopt);
}

TEST_F(ExecutorFaults, WaitsForSomebodysUpdateToFinish) {
    begin();
    world_.platform.update_in_progress = true;
    fail_always("configure", Errc::conflict);
    for (int i = 0; i < 4; ++i) {
        (void)world_.executor->step();
        world_.clock.advance(std::chrono::minutes(1));
    }
    EXPECT_EQ(world_.executor->open().front().detail, "waiting for an update of the function to finish");
    world_.platform.update_in_progress = false;
    fail_always("nothing", Errc::internal);
    world_.run(Disposition::promoted);
    EXPECT_TRUE(world_.fully_new()) << world_.told();
}

TEST_F(ExecutorFaults, AsksThePlatformNothingThatIsNotInTheJournal) {
    // Each write fails in turn, for a while.
    for (int n = 1; n < 12; ++n) {
        SCOPED_TRACE("write " + std::to_string(n));
        test::MemoryStore journal;
        World world(journal);
        int write = -1;
        int failures = 0;
        world.store.refuse = [&]() -> Status {
            if (++write < n || failures >= 3) return ok();
            ++failures;
            return fail(Errc::resource_exhausted, "disk full");
        };
        world.platform.hook = [&](std::string_view call, Moment m) {
            if (m == Moment::after || call == "get" || journal.unfinished_changes()->empty()) return;
            const Step step = journal.unfinished_changes()->front().step;
            if (call == "configure") {
                EXPECT_EQ(step, Step::configuring);
            } else if (call == "publish") {
                EXPECT_EQ(step, Step::publishing);
            } else {
                EXPECT_TRUE(step == Step::routing || step == Step::promoting);
            }
        };
        world.live_through(Disposition::promoted);
        EXPECT_TRUE(world.fully_new()) << world.told();
        EXPECT_THAT(world.platform.effects,
                    ElementsAre("configure 256", "publish 2", "route 1+2", "route 2"));
    }
}

TEST_F(ExecutorFaults, LeavesAnAliasThatSomebodyMovedDuringTheCanary) {
    for (const Disposition verdict :
         {Disposition::promoted, Disposition::rolled_back, Disposition::reverted}) {
        SCOPED_TRACE(to_string(verdict));
        test::MemoryStore journal;
        World world(journal);
        world.boot();
        ASSERT_TRUE(world.executor->start(test::oom_bump()).value());
        world.run(std::nullopt);
        world.platform.somebody_moves_alias("live", "1", "2", 0.7);
        world.run(verdict);
        EXPECT_EQ(world.platform.alias().weight, 0.7);
        EXPECT_EQ(world.platform.head_memory(), 128u);
        ASSERT_EQ(world.outcomes.size(), 1u);
        EXPECT_EQ(world.outcomes[0].disposition, Disposition::failed);
        EXPECT_THAT(world.outcomes[0].detail, HasSubstr("somebody else changed the alias"));
    }
}

TEST_F(ExecutorFaults, AcceptsThatSomebodyPromotedFirst) {
    begin();
    world_.run(std::nullopt);
    world_.platform.somebody_moves_alias("live", "2");
    world_.run(Disposition::promoted);
    EXPECT_TRUE(world_.fully_new());
    EXPECT_EQ(world_.outcomes.at(0).disposition, Disposition::promoted);
}

TEST_F(ExecutorFaults, DoesNotUndoAPromotionThatSomebodyMade) {
    begin();
    world_.run(std::nullopt);
    world_.platform.somebody_moves_alias("live", "2");
    world_.run(Disposition::reverted);
    EXPECT_TRUE(world_.fully_new());
    expect_failed("serves only version 2 by now and was left so");
}

TEST_F(ExecutorFaults, GivesUpWhenSomebodyChangesTheHeadFirst) {
    begin();
    world_.platform.somebody_changes_code();
    world_.run(Disposition::promoted);
    expect_failed("somebody else changed the function");
    EXPECT_TRUE(world_.platform.effects.empty()) << world_.told();
}

TEST_F(ExecutorFaults, GivesUpWhenWhatServesHasThatSizeAlready) {
    // The head was made smaller after version 2 and not published; the platform does not tell.
    world_.platform.tells_builds = false;
    world_.platform.somebody_sets_memory(256);
    world_.platform.somebody_publishes();
    world_.platform.somebody_moves_alias("live", "2");
    world_.platform.somebody_sets_memory(128);
    begin();
    world_.run(Disposition::promoted);
    expect_failed("version 2, which serves already, is configured like that");
    EXPECT_EQ(world_.platform.alias().stable, "2");
    EXPECT_EQ(world_.platform.head_memory(), 128u);
}

TEST_F(ExecutorFaults, LetsAFunctionGoThatIsDeletedDuringTheCanary) {
    begin();
    world_.run(std::nullopt);
    world_.platform.somebody_deletes_the_function();
    world_.run(Disposition::promoted);
    expect_failed("the function is gone");
}

}  // namespace
}  // namespace autotune
