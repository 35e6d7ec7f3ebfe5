// What a change does when all goes well, and why one does not begin.
#include "providers/executor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "world.hpp"

namespace autotune {
namespace {

using test::oom_bump;
using testing::ElementsAre;
using testing::HasSubstr;

class ExecutorTest : public testing::Test {
protected:
    void SetUp() override { world_.boot(); }
    // The outcome of an action that is not to begin.
    Outcome conclusion_of(const Action& action) {
        const auto started = world_.executor->start(action);
        EXPECT_TRUE(started) << started.error().message;
        EXPECT_FALSE(*started);
        const auto outcomes = world_.executor->take_outcomes();
        EXPECT_EQ(outcomes.size(), 1u);
        EXPECT_TRUE(world_.executor->open().empty());
        EXPECT_TRUE(world_.platform.effects.empty()) << world_.told();
        EXPECT_TRUE(journal_.unfinished_changes()->empty());
        return outcomes.at(0);
    }
    void expect_refused(const Action& action, const std::string& reason) {
        const Outcome o = conclusion_of(action);
        EXPECT_EQ(o.disposition, Disposition::refused);
        EXPECT_THAT(o.detail, HasSubstr(reason));
    }
    ChangeId observing() {
        const auto id = world_.executor->start(oom_bump());
        EXPECT_TRUE(id && *id);
        world_.run(std::nullopt);
        EXPECT_EQ(world_.executor->open().front().step, Step::observing);
        return **id;
    }

    test::MemoryStore journal_;
    test::World world_{journal_};
};

TEST_F(ExecutorTest, CarriesAResizeUpToTheCanary) {
    observing();
    EXPECT_THAT(world_.platform.effects, ElementsAre("configure 256", "publish 2", "route 1+2"));
    EXPECT_EQ(world_.platform.alias().weight, 0.1);
    const ChangeRecord& c = world_.executor->open().front();
    EXPECT_EQ(c.candidate, "2");
    EXPECT_GT(c.candidate_published, WallTime());
    EXPECT_EQ(c.before.stable, "1");
    EXPECT_EQ(c.before_memory_mb, 128u);
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

class ApprovalTest : public ExecutorTest {
protected:
    static Action asking() {
        Action a = oom_bump();
        a.approval_within = std::chrono::hours(2);
        return a;
    }
    ChangeId waiting() {
        const auto started = world_.executor->start(asking());
        EXPECT_TRUE(started && !*started);
        EXPECT_EQ(world_.executor->waiting().size(), 1u);
        outcomes_ = world_.executor->take_outcomes();
        return world_.executor->waiting().front().id;
    }
    Outcome ended() {
        EXPECT_TRUE(world_.executor->waiting().empty());
        EXPECT_TRUE(journal_.unfinished_changes()->empty());
        EXPECT_TRUE(world_.platform.effects.empty()) << world_.told();
        const auto outcomes = world_.executor->take_outcomes();
        EXPECT_EQ(outcomes.size(), 1u);
        return outcomes.at(0);
    }
    std::vector<Outcome> outcomes_;
};

TEST_F(ApprovalTest, NothingIsDoneBeforeAndAllAfter) {
    const ChangeId id = waiting();
    ASSERT_EQ(outcomes_.size(), 1u);
    EXPECT_EQ(outcomes_[0].disposition, Disposition::waiting);
    EXPECT_THAT(outcomes_[0].detail, HasSubstr("autotune approve 1, until "));
    EXPECT_THAT(journal_.changes(1)->front().detail, HasSubstr("alias live")) << "the requests";
    EXPECT_FALSE(world_.executor->step());
    EXPECT_TRUE(world_.executor->open().empty());
    EXPECT_TRUE(world_.platform.effects.empty());

    ASSERT_TRUE(world_.executor->approve(id, "ada"));
    EXPECT_TRUE(world_.executor->waiting().empty());
    EXPECT_EQ(journal_.changes(1)->front().detail, "approved by ada");
    EXPECT_EQ(journal_.changes(1)->front().step, Step::intended);
    EXPECT_TRUE(world_.platform.effects.empty()) << "the journal first";
    world_.run(Disposition::promoted);
    EXPECT_TRUE(world_.fully_new()) << world_.told();
    EXPECT_EQ(world_.executor->approve(id, "ada").error().code, Errc::not_found) << "once";
}

TEST_F(ApprovalTest, WaitsOverARestart) {
    const ChangeId id = waiting();
    world_.boot();
    EXPECT_TRUE(world_.executor->open().empty());
    ASSERT_TRUE(world_.executor->approve(id, "ada"));
    world_.boot();  // before the first call
    world_.run(Disposition::promoted);
    EXPECT_TRUE(world_.fully_new()) << world_.told();
}

TEST_F(ApprovalTest, ExpiresAndIsNotDone) {
    const ChangeId id = waiting();
    world_.clock.advance(std::chrono::hours(2) - std::chrono::seconds(1));
    world_.executor->step();
    EXPECT_EQ(world_.executor->waiting().size(), 1u);
    world_.clock.advance(std::chrono::seconds(1));
    EXPECT_EQ(world_.executor->approve(id, "ada").error().code, Errc::not_found) << "too late";
    const Outcome o = ended();
    EXPECT_EQ(o.disposition, Disposition::refused);
    EXPECT_THAT(o.detail, HasSubstr("nobody approved it until "));
}

TEST_F(ApprovalTest, IsRefusedWhereTheFunctionIsNotWhatItWasPlannedFor) {
    const ChangeId id = waiting();
    world_.platform.somebody_sets_memory(192);
    world_.platform.effects.clear();
    ASSERT_TRUE(world_.executor->approve(id, "ada"));
    const Outcome o = ended();
    EXPECT_EQ(o.disposition, Disposition::refused);
    EXPECT_THAT(o.detail, HasSubstr("approved by ada, but "));
}

TEST_F(ApprovalTest, WaitsOnWhereNobodyAnswersOrTheJournalIsFull) {
    const ChangeId id = waiting();
    world_.store.refuse = []() -> Status { return fail(Errc::resource_exhausted, "disk full"); };
    EXPECT_FALSE(world_.executor->approve(id, "ada"));
    EXPECT_EQ(world_.executor->waiting().size(), 1u);
    EXPECT_TRUE(world_.executor->open().empty());
    EXPECT_TRUE(world_.platform.effects.empty());
    world_.store.refuse = [] { return ok(); };
    world_.platform.fault = [](std::string_view, test::Moment) {
        return Error{Errc::unavailable, "nobody answers"};
    };
    EXPECT_EQ(world_.executor->approve(id, "ada").error().code, Errc::unavailable);
    EXPECT_EQ(world_.executor->waiting().size(), 1u);
    world_.platform.fault = [](std::string_view, test::Moment) -> std::optional<Error> {
        return std::nullopt;
    };
    EXPECT_TRUE(world_.executor->approve(id, "ada"));
}

TEST_F(ApprovalTest, OneWaitsAFunctionAndADryRunAsksNobody) {
    waiting();
    ASSERT_FALSE(world_.executor->start(asking()).value());
    EXPECT_EQ(world_.executor->take_outcomes().at(0).detail, "change 1 waits for an approval there");
    world_.boot();
    Action dry = asking();
    dry.target.name = "orders";
    dry.mode = Mode::dry_run;
    journal_ = {};
    world_.boot();
    EXPECT_EQ(conclusion_of(dry).disposition, Disposition::planned);
}

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

}  // namespace
}  // namespace autotune
