// Changes that wait for an approval.
#include "providers/executor.hpp"

#include "executor_fixture.hpp"

namespace autotune {
namespace {

using test::ExecutorTest;
using test::oom_bump;
using testing::HasSubstr;

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

TEST_F(ApprovalTest, ARemedyThatWaitedForANewerProgramGetsItsWrapper) {
    Action a = test::put_cache();
    a.approval_within = std::chrono::hours(2);
    ASSERT_TRUE(world_.executor->start(a));
    const ChangeId id = world_.executor->waiting().front().id;
    ExecutorOptions newer;
    newer.layer = {.name = "autotune-remedy-34cd", .description = {}, .zip = "zip", .runtimes = {}};
    world_.executor = std::make_unique<Executor>(world_.platform, world_.store, world_.clock, std::move(newer));
    ASSERT_TRUE(world_.executor->recover());
    ASSERT_TRUE(world_.executor->approve(id, "ada"));
    world_.run(Disposition::promoted);
    EXPECT_THAT(world_.platform.head().layers, testing::ElementsAre(HasSubstr("autotune-remedy-34cd")));
    EXPECT_EQ(world_.platform.alias().stable, "2");
}

}  // namespace
}  // namespace autotune
