// What a change does when all goes well.
#include "providers/executor.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "executor_fixture.hpp"

namespace autotune {
namespace {

using test::ExecutorTest;
using test::oom_bump;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(ExecutorTest, CarriesAResizeUpToTheCanary) {
    observing();
    EXPECT_THAT(world_.platform.effects, ElementsAre("configure 256", "publish 2", "route 1+2"));
    EXPECT_EQ(world_.platform.alias().weight, 0.1);
    const ChangeRecord& c = world_.executor->open().front();
    EXPECT_EQ(c.candidate, "2");
    EXPECT_GT(c.candidate_published, WallTime());
    EXPECT_EQ(c.before.stable, "1");
    EXPECT_EQ(c.before_head.memory_mb, 128u);
    EXPECT_FALSE(world_.executor->step());
}

TEST_F(ExecutorTest, NeedsOneCallAStepAndReadsTheFunctionOnce) {
    (void)world_.executor->start(oom_bump());
    EXPECT_TRUE(world_.executor->step());
    EXPECT_THAT(world_.platform.calls, ElementsAre("get", "configure"));
    EXPECT_TRUE(world_.executor->step());
    EXPECT_THAT(world_.platform.calls, ElementsAre("get", "configure", "publish"));
    EXPECT_FALSE(world_.executor->step());
    EXPECT_THAT(world_.platform.calls, ElementsAre("get", "configure", "publish", "route"));
}

TEST_F(ExecutorTest, PromotesWhatTheJudgePassed) {
    observing();
    world_.run(Disposition::promoted);
    EXPECT_TRUE(world_.fully_new()) << world_.told();
    ASSERT_EQ(world_.outcomes.size(), 1u);
    const Outcome& o = world_.outcomes[0];
    EXPECT_EQ(o.disposition, Disposition::promoted);
    EXPECT_EQ(o.undo, Change(Resize{256, 128}));
    EXPECT_EQ(o.candidate, "2");
    EXPECT_EQ(o.judged->pairs, 42u);
    EXPECT_EQ(o.detail, "the judge says promoted");
    EXPECT_EQ(journal_.changes(1)->front().disposition, Disposition::promoted);
}

TEST_F(ExecutorTest, RollsBackWhatTheJudgeFoundHarmful) {
    observing();
    world_.run(Disposition::rolled_back);
    EXPECT_TRUE(world_.fully_old()) << world_.told();
    ASSERT_EQ(world_.outcomes.size(), 1u);
    EXPECT_EQ(world_.outcomes[0].disposition, Disposition::rolled_back);
    EXPECT_EQ(world_.outcomes[0].undo, std::nullopt);
    EXPECT_THAT(world_.platform.effects,
                ElementsAre("configure 256", "publish 2", "route 1+2", "route 1", "configure 128"));
}

TEST_F(ExecutorTest, TriesTheSameSizeAgainAfterItWentBack) {
    observing();
    world_.run(Disposition::reverted);
    EXPECT_TRUE(world_.fully_old());
    ASSERT_TRUE(world_.executor->start(oom_bump()));
    world_.run(Disposition::promoted);
    EXPECT_TRUE(world_.fully_new()) << world_.told();
    EXPECT_EQ(std::count(world_.platform.effects.begin(), world_.platform.effects.end(), "publish 2"), 1);
}

TEST_F(ExecutorTest, DecidesOnlyOnWhatIsObserving) {
    const auto id = **world_.executor->start(oom_bump());
    const auto report = test::World::report_of(Disposition::promoted);
    EXPECT_EQ(world_.executor->decide(id, report, Disposition::promoted).error().code,
              Errc::invalid_argument);
    EXPECT_EQ(world_.executor->decide(ChangeId(99), report, Disposition::promoted).error().code,
              Errc::not_found);
    world_.run(std::nullopt);
    EXPECT_EQ(world_.executor->decide(id, report, Disposition::planned).error().code, Errc::invalid_argument);
    EXPECT_TRUE(world_.executor->decide(id, report, Disposition::promoted));
}

TEST_F(ExecutorTest, KeepsTheJudgesProgressNowAndThen) {
    const ChangeId id = observing();
    JudgeReport report;
    const auto persisted = [&] { return journal_.changes(1)->front().judged->pairs; };
    report.pairs = 1;
    world_.executor->note(id, report);
    EXPECT_EQ(persisted(), 1u);
    report.pairs = 2;
    world_.executor->note(id, report);
    EXPECT_EQ(persisted(), 1u);
    EXPECT_EQ(world_.executor->open().front().judged->pairs, 2u);
    world_.clock.advance(std::chrono::minutes(2));
    report.pairs = 3;
    world_.executor->note(id, report);
    EXPECT_EQ(persisted(), 3u);
}

TEST_F(ExecutorTest, OnlySaysWhatADryRunWouldSend) {
    world_.platform.somebody_moves_alias("live", "1");
    Action a = oom_bump();
    a.mode = Mode::dry_run;
    const Outcome o = conclusion_of(a);
    EXPECT_EQ(o.disposition, Disposition::planned);
    EXPECT_EQ(o.detail, "resize 128 MB → 256 MB\nalias live\nweight 0.100000");
}

TEST_F(ExecutorTest, PassesANotificationOn) {
    Action a = oom_bump();
    a.change = Notify{Severity::critical, "map-reduce"};
    EXPECT_EQ(conclusion_of(a).disposition, Disposition::notified);
    EXPECT_TRUE(world_.platform.calls.empty());
}

TEST_F(ExecutorTest, KeepsOnRecordWhatPeopleWereTold) {
    Action a = oom_bump();
    a.change = Notify{Severity::critical, "map-reduce"};
    EXPECT_EQ(conclusion_of(a).disposition, Disposition::notified);
    const auto records = journal_.changes(1);
    ASSERT_EQ(records->size(), 1u);
    EXPECT_EQ(records->front().step, Step::closed);
    EXPECT_EQ(records->front().disposition, Disposition::notified);
    EXPECT_EQ(records->front().action.change, Change(Notify{Severity::critical, "map-reduce"}));
    EXPECT_TRUE(journal_.unfinished_changes()->empty());
}

// Somebody wrote over it: what would be deployed is not what was asked for, and could not be told from others' code.
TEST_F(ExecutorTest, APackageThatHasChangedIsNotDeployed) {
    const std::string file = testing::TempDir() + "autotune-changed-code-" + std::to_string(getpid());
    std::ofstream(file) << "new code";
    ASSERT_TRUE(world_.executor->start(test::deploy_code(file)));
    std::ofstream(file) << "other code";
    world_.run(Disposition::promoted);
    std::filesystem::remove(file);
    EXPECT_TRUE(world_.fully_old()) << world_.told();
    EXPECT_TRUE(world_.platform.effects.empty()) << world_.told();
    EXPECT_EQ(journal_.changes(1)->front().disposition, Disposition::failed);
    EXPECT_THAT(journal_.changes(1)->front().detail, HasSubstr("is not what it was"));
}

}  // namespace
}  // namespace autotune
