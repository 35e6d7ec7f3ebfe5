// Changes that do not begin, and why.
#include "providers/executor.hpp"

#include "executor_fixture.hpp"

namespace autotune {
namespace {

using test::ExecutorTest;
using test::oom_bump;
using test::put_cache;

TEST_F(ExecutorTest, RefusesASecondChangeOfAFunction) {
    observing();
    ASSERT_FALSE(world_.executor->start(oom_bump(512)).value());
    const auto outcomes = world_.executor->take_outcomes();
    ASSERT_EQ(outcomes.size(), 1u);
    EXPECT_EQ(outcomes[0].disposition, Disposition::refused);
    EXPECT_EQ(outcomes[0].detail, "a change of rule \"out-of-memory\" is under way there");
}

TEST_F(ExecutorTest, RefusesWhereNoShareOfTheCallsCanBeSent) {
    world_.platform.can.weighted_routing = false;
    expect_refused(oom_bump(), "cannot send a share");
}

TEST_F(ExecutorTest, RefusesWithoutAnAlias) {
    world_.platform.somebody_removes_alias("live");
    expect_refused(oom_bump(), "there is no alias to split");
}

TEST_F(ExecutorTest, RefusesToChooseAmongSeveralAliases) {
    world_.platform.somebody_moves_alias("blue", "1");
    world_.platform.somebody_moves_alias("green", "1");
    world_.platform.somebody_removes_alias("live");
    expect_refused(oom_bump(), "there is no alias to split");
}

TEST_F(ExecutorTest, SteersLiveAmongSeveralAliases) {
    world_.platform.somebody_moves_alias("blue", "1");
    observing();
    EXPECT_EQ(world_.platform.alias("live").candidate, "2");
    EXPECT_EQ(world_.platform.alias("blue").candidate, std::nullopt);
}

TEST_F(ExecutorTest, RefusesAnAliasThatIsSplitAlready) {
    world_.platform.somebody_sets_memory(192);
    world_.platform.somebody_publishes();
    world_.platform.somebody_moves_alias("live", "1", "2", 0.5);
    expect_refused(oom_bump(), "alias \"live\" is split already, between versions 1 and 2");
}

TEST_F(ExecutorTest, RefusesToPublishSomebodysUnfinishedWork) {
    world_.platform.somebody_changes_code();
    expect_refused(oom_bump(), "the head has unpublished changes since version 1");
}

// What people deployed while a group was being made of the old code is not taken back by it.
TEST_F(ExecutorTest, RefusesAPackageMadeOfCodeThatIsNoMore) {
    Action made = test::deploy_new_code();
    auto& deploy = std::get<Deploy>(made.change);
    for (const MadeOf& other : {MadeOf{"older code", "app.handler"}, MadeOf{"old code", "app.older"}}) {
        deploy.made_of = other;
        expect_refused(made, "other code was deployed since");
    }
    deploy.made_of = MadeOf{"old code", "app.handler"};
    EXPECT_TRUE(world_.executor->start(made).value());
}

TEST_F(ExecutorTest, RefusesAHeadOfAnotherSize) {
    world_.platform.somebody_sets_memory(192);
    expect_refused(oom_bump(), "the unpublished head has 192 MB, but version 1, which serves, has 128 MB");
}

TEST_F(ExecutorTest, RefusesSizesThatThePlatformDoesNotGive) {
    expect_refused(oom_bump(64), "outside what the platform gives: 128 MB to 10240 MB");
    expect_refused(oom_bump(128), "has 128 MB already");
    world_.platform.can.memory_step_mb = 64;
    expect_refused(oom_bump(200), "not a multiple of 64 MB");
}

TEST_F(ExecutorTest, RefusesToCutOverWithoutProof) {
    Action a = oom_bump();
    a.canary = std::nullopt;
    expect_refused(a, "needs a canary");
    a.canary = CanaryPolicy{.weight = 1};
    expect_refused(a, "not between 0 and 1");
}

TEST_F(ExecutorTest, AnUpdateThatIsUnderWayIsNoVerdictOnTheChange) {
    world_.platform.update_in_progress = true;
    const auto early = world_.executor->start(oom_bump());
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().code, Errc::conflict);
    EXPECT_TRUE(world_.executor->take_outcomes().empty());
    EXPECT_TRUE(journal_.changes(1)->empty());
    world_.platform.update_in_progress = false;
    EXPECT_TRUE(world_.executor->start(oom_bump()).value());
}

TEST_F(ExecutorTest, BeginsNothingWhenThePlatformCannotBeAsked) {
    world_.platform.fault = [](std::string_view, test::Moment) {
        return Error{Errc::unavailable, "no answer"};
    };
    const auto started = world_.executor->start(oom_bump());
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().message, "looking at orders before changing it: no answer");
    EXPECT_TRUE(journal_.changes(1)->empty());
}

TEST_F(ExecutorTest, BeginsNothingWhenTheJournalCannotBeWritten) {
    world_.store.refuse = [] { return Status(fail(Errc::resource_exhausted, "disk full")); };
    EXPECT_EQ(world_.executor->start(oom_bump()).error().code, Errc::resource_exhausted);
    EXPECT_TRUE(world_.executor->open().empty());
}

TEST_F(ExecutorTest, ARemedyIsRefusedWhereItCannotBe) {
    Action a = put_cache();
    world_.platform.can.layers = false;
    expect_refused(a, "cannot lay the wrapper's files");
    world_.platform.can.layers = true;
    a.change = Wrap{.remedy = "cache", .settings = "", .words = "", .timeout = {}, .layer = {}, .handler = {}};
    expect_refused(a, "no cache that could be taken off");
    a.change = Wrap{.remedy = "cache", .settings = "\"" + std::string(5000, 'x') + "\"", .words = "", .timeout = {}, .layer = {}, .handler = {}};
    expect_refused(a, "leave no room");
    world_.platform.runtime = "provided.al2023";
    expect_refused(put_cache(), "the wrapper is for Python 3 and Node.js, the function runs on provided.al2023");
}

TEST_F(ExecutorTest, EachRuntimeIsCalledByItsOwnWrapper) {
    world_.platform.runtime = "nodejs20.x";
    world_.action = put_cache();
    world_.live_through(Disposition::promoted);
    EXPECT_EQ(world_.platform.head().handler, "/opt/nodejs/node_modules/autotune_remedy/index.handler") << world_.told();
    world_.action.change = Wrap{.remedy = "cache", .settings = "", .words = "", .timeout = {}, .layer = {}, .handler = {}};
    world_.live_through(Disposition::promoted);
    EXPECT_EQ(world_.platform.head(), world_.platform.tuned("1")) << world_.told();
}

TEST_F(ExecutorTest, ARemedyThatIsThereAlreadyIsRefusedAndOneMoreIsNot) {
    world_.action = put_cache();
    world_.live_through(Disposition::promoted);
    ASSERT_TRUE(world_.fully_new()) << world_.told();
    world_.platform.effects.clear();
    expect_refused(put_cache(), "has that already");
    world_.action.change = Wrap{.remedy = "handover", .settings = "{}", .words = "", .timeout = std::chrono::seconds(9), .layer = {}, .handler = {}};
    world_.live_through(Disposition::promoted);
    EXPECT_THAT(world_.platform.head().remedy, ::testing::HasSubstr(R"("remedies":{"cache":{"ttl_s":60},"handover":{}})"));
    EXPECT_EQ(world_.platform.head().timeout, std::chrono::seconds(9));
    EXPECT_EQ(world_.platform.tuned("3"), world_.platform.head());
    EXPECT_EQ(describe(*world_.outcomes.back().undo), "take off handover");
}

}  // namespace
}  // namespace autotune
