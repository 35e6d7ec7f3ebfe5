// What people take back: promoted, under way, waiting; and what they may not.
#include <set>

#include "executor_fixture.hpp"
#include "providers/executor.hpp"

namespace autotune {
namespace {

using test::ExecutorTest;
using test::oom_bump;
using testing::HasSubstr;

class RollBackTest : public ExecutorTest {
protected:
    ChangeId promoted() {
        const auto started = world_.executor->start(world_.action);
        EXPECT_TRUE(started && *started);
        world_.run(Disposition::promoted);
        EXPECT_TRUE(world_.fully_new()) << world_.told();
        return **started;
    }
    void refused(const Result<ChangeId>& done, const std::string& why) {
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().code, Errc::invalid_argument);
        EXPECT_THAT(done.error().message, HasSubstr(why));
        EXPECT_TRUE(world_.executor->open().empty());
    }
};

TEST_F(RollBackTest, WhatWasPromotedIsAsBefore) {
    const ChangeId id = promoted();
    const auto undo = world_.executor->roll_back(id, "ada");
    ASSERT_TRUE(undo) << undo.error().message;
    EXPECT_NE(*undo, id);
    EXPECT_EQ(journal_.change(*undo)->step, Step::undoing) << "the journal first";
    world_.run({});
    EXPECT_TRUE(world_.fully_old()) << world_.told();
    const ChangeRecord closed = *journal_.change(*undo);
    EXPECT_EQ(closed.disposition, Disposition::rolled_back);
    EXPECT_THAT(closed.detail, HasSubstr("change 1 rolled back by ada"));
    EXPECT_EQ(journal_.change(id)->disposition, Disposition::promoted) << "what happened is not rewritten";
    refused(world_.executor->roll_back(id, "ada"), "serves version 1 by now");
    refused(world_.executor->roll_back(*undo, "ada"), "it was rolled-back");
}

TEST_F(RollBackTest, EveryRemedyIsTakenBack) {
    world_.action = test::put_cache();
    ASSERT_TRUE(world_.executor->roll_back(promoted(), "ada"));
    world_.run({});
    EXPECT_TRUE(world_.fully_old()) << world_.told();
}

TEST_F(RollBackTest, AReservationIsTakenBack) {
    world_.action = test::reserve_more();
    const ChangeId id = promoted();
    world_.platform.somebody_reserves(7);
    refused(world_.executor->roll_back(id, "ada"), "the reservation is 7 by now, and not 3");
    world_.platform.somebody_reserves(3);
    const auto undo = world_.executor->roll_back(id, "ada");
    ASSERT_TRUE(undo) << undo.error().message;
    world_.run({});
    EXPECT_TRUE(world_.fully_old()) << world_.told();
    EXPECT_EQ(journal_.change(*undo)->disposition, Disposition::rolled_back);
    refused(world_.executor->roll_back(id, "ada"), "the reservation is 1 by now");
}

TEST_F(RollBackTest, WhatIsKeptWarmIsTakenBack) {
    world_.action = test::keep_some_warm();
    const ChangeId id = promoted();
    world_.platform.somebody_keeps_warm(7);
    refused(world_.executor->roll_back(id, "ada"), "7 environments are kept warm by now, and not the 3");
    world_.platform.somebody_keeps_warm(3);
    const auto undo = world_.executor->roll_back(id, "ada");
    ASSERT_TRUE(undo) << undo.error().message;
    world_.run({});
    EXPECT_TRUE(world_.fully_old()) << world_.told();
    EXPECT_EQ(journal_.change(*undo)->disposition, Disposition::rolled_back);
}

TEST_F(RollBackTest, ACanaryGoesBackFromWhereItIs) {
    const auto started = world_.executor->start(oom_bump());
    ASSERT_TRUE(started && *started);
    for (int steps = 0; steps < 12; ++steps) {
        if (world_.executor->open().front().step == Step::observing) break;
        world_.executor->step();
    }
    ASSERT_EQ(world_.executor->open().front().step, Step::observing);
    EXPECT_EQ(*world_.executor->roll_back(**started, "ada"), **started);
    EXPECT_FALSE(world_.executor->roll_back(**started, "ada")) << "it goes back already";
    world_.run({});
    EXPECT_TRUE(world_.fully_old()) << world_.told();
    EXPECT_EQ(journal_.change(**started)->disposition, Disposition::reverted);
}

TEST_F(RollBackTest, AVerdictThatIsBeingCarriedOutGoesBackToo) {
    const auto started = world_.executor->start(oom_bump());
    world_.run({});  // until it is observed
    const JudgeReport report = test::World::report_of(Disposition::promoted);
    ASSERT_TRUE(world_.executor->decide(**started, report, Disposition::promoted));
    // The alias was moved, the answer not heard.
    const Routing moved{.alias = "live", .stable = "2", .candidate = {}, .weight = 0, .etag = {}};
    ASSERT_TRUE(world_.platform.route({"fake", "orders"}, moved));
    ASSERT_TRUE(world_.executor->roll_back(**started, "ada"));
    world_.run({});
    EXPECT_TRUE(world_.fully_old()) << world_.told();
}

// By a command that judges nothing: the canary of another function must not begin.
TEST_F(RollBackTest, OneChangeCanBeSteppedAlone) {
    const auto other = world_.executor->start(oom_bump());
    ASSERT_TRUE(other && *other);
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(world_.executor->step(ChangeId(99)));
    EXPECT_TRUE(world_.platform.effects.empty());
    EXPECT_EQ(world_.executor->open().front().step, Step::intended);
    ASSERT_TRUE(world_.executor->roll_back(**other, "ada"));
    for (int i = 0; i < 10; ++i) world_.executor->step(**other);
    EXPECT_TRUE(world_.executor->open().empty());
    EXPECT_TRUE(world_.fully_old()) << world_.told();
}

TEST_F(RollBackTest, WhatWaitsForAnApprovalIsClosed) {
    Action action = oom_bump();
    action.approval_within = std::chrono::hours(2);
    ASSERT_TRUE(world_.executor->start(action));
    const ChangeId id = world_.executor->waiting().front().id;
    ASSERT_TRUE(world_.executor->roll_back(id, "ada"));
    EXPECT_TRUE(world_.executor->waiting().empty());
    EXPECT_EQ(journal_.change(id)->disposition, Disposition::refused);
    EXPECT_TRUE(world_.platform.effects.empty());
}

TEST_F(RollBackTest, WhatCameAfterItComesFirst) {
    const ChangeId id = promoted();
    const Routing elsewhere{.alias = "live", .stable = "1", .candidate = "2", .weight = 0.5, .etag = {}};
    ASSERT_TRUE(world_.platform.route({"fake", "orders"}, elsewhere));
    refused(world_.executor->roll_back(id, "ada"), "serves version 1 and version 2 by now");
    EXPECT_EQ(world_.executor->roll_back(ChangeId(99), "ada").error().code, Errc::not_found);
}

// It dies before and after every write of the journal and every call of the platform.
TEST_F(RollBackTest, ADeathAtAnyPointLeavesNothingHalfDone) {
    class Fate {
    public:
        explicit Fate(test::World& world, int at) : at_(at) {
            world.store.before_write = world.store.after_write = [this] { pass(); };
            world.platform.hook = [this](std::string_view, test::Moment) { pass(); };
        }
        int point = 0;

    private:
        void pass() {
            if (point++ == at_) throw test::Crash();
        }
        int at_;
    };
    for (const Action& action : {oom_bump(), test::put_cache(), test::reserve_more(), test::keep_some_warm()}) {
        int points = 1;
        for (int at = -1; at < points; ++at) {
            test::MemoryStore journal;
            test::World world(journal);
            world.action = action;
            world.boot();
            const auto started = world.executor->start(action);
            world.run(Disposition::promoted);
            ASSERT_TRUE(world.fully_new());
            Fate fate(world, at);
            bool asked = false;
            try {
                asked = world.executor->roll_back(**started, "ada").has_value();
                world.run({});
            } catch (const test::Crash&) {
                world.executor.reset();
                world.boot();
                world.run({});
                asked = journal.changes(1)->front().id != **started;  // whether it was begun
            }
            if (at < 0) points = fate.point;
            EXPECT_TRUE(asked ? world.fully_old() : world.fully_new()) << at << ": " << world.told();
            EXPECT_TRUE(journal.unfinished_changes()->empty());
            EXPECT_LE(std::ranges::count(world.platform.effects, "route 1"), 1) << world.told();
            EXPECT_LE(std::ranges::count(world.platform.effects, "reserve 1"), 1) << world.told();
            EXPECT_LE(std::ranges::count(world.platform.effects, "warm none"), 1) << world.told();
        }
        EXPECT_GT(points, 8);
    }
}

}  // namespace
}  // namespace autotune
