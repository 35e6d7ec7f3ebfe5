#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "cli/approvals.hpp"
#include "cli/deployments.hpp"
#include "knowledge/action_json.hpp"
#include "tests/cli/pipeline_fixture.hpp"

namespace autotune::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(PipelineTest, AChangeThatNeedsAnApprovalBeginsWhenItIsApprovedAndMayBegin) {
    rules_.guardrails.approval_required_for = {"resize"};
    call("1", End::out_of_memory);
    pass(2s);
    EXPECT_THAT(platform_.effects, IsEmpty());
    ASSERT_THAT(executor_.waiting(), SizeIs(1));
    ASSERT_THAT(sink_.outcomes, SizeIs(1));
    EXPECT_EQ(sink_.outcomes[0].disposition, Disposition::waiting);
    EXPECT_THAT(sink_.steps, ::testing::Contains(Step::waiting)) << "for the metric";

    rules_.guardrails.max_concurrent_changes = 0;
    ASSERT_TRUE(leave(approvals_ / "", {executor_.waiting().front().id, "ada"}));
    pass(2s);
    EXPECT_THAT(platform_.effects, IsEmpty());
    EXPECT_THAT(complaints_, ElementsAre(HasSubstr("not begun yet: as many changes are under way")));
    rules_.guardrails.max_concurrent_changes = 1;
    pass(4s);
    EXPECT_THAT(platform_.effects, SizeIs(3));
    EXPECT_THAT(approvals_in(approvals_ / ""), IsEmpty()) << "acted upon";
}

TEST_F(PipelineTest, AnAgentThatRunsDryBeginsNothingThatIsApproved) {
    rules_.guardrails.approval_required_for = {"resize"};
    call("1", End::out_of_memory);
    pass(2s);
    ASSERT_THAT(executor_.waiting(), SizeIs(1));
    make_pipeline(Mode::dry_run);
    ASSERT_TRUE(leave(approvals_ / "", {executor_.waiting().front().id, "ada"}));
    pass(2s);
    EXPECT_THAT(platform_.effects, IsEmpty());
    EXPECT_THAT(complaints_, ElementsAre(HasSubstr("this agent runs dry")));
}

const Error kDown{Errc::unavailable, "nobody answers"};

TEST_F(PipelineTest, AFunctionOutOfMemoryIsResizedAtOnceAndTheCanaryIsPromoted) {
    call("1", End::out_of_memory);
    turn(3);  // no time passes
    ASSERT_THAT(platform_.effects, SizeIs(3));
    EXPECT_THAT(platform_.effects[0], HasSubstr("configure "));
    EXPECT_EQ(platform_.effects[1], "publish 2");
    EXPECT_EQ(platform_.effects[2], "route 1+2");
    EXPECT_GT(platform_.memory_of("2"), 128u);

    for (int i = 0; i < 20; ++i) {
        call("1", End::out_of_memory);
        call("2", End::answered);
        pass(1s);
    }
    pass(2s);
    EXPECT_EQ(platform_.effects.back(), "route 2");
    ASSERT_THAT(sink_.outcomes, SizeIs(1));
    EXPECT_EQ(sink_.outcomes[0].disposition, Disposition::promoted) << sink_.outcomes[0].detail;
    EXPECT_THAT(sink_.actions, SizeIs(1));
    EXPECT_EQ(memory_.calls.size(), 41u);
    EXPECT_THAT(complaints_, IsEmpty());
}

TEST_F(PipelineTest, APlatformThatIsDownIsToldOnceAndAskedAgain) {
    platform_.fault = [](auto, auto) { return kDown; };
    call("1", End::out_of_memory);
    turn();
    pass(40s);
    EXPECT_THAT(complaints_, ElementsAre(HasSubstr("nobody answers")));
    EXPECT_THAT(platform_.calls, SizeIs(3));  // at once and every 15 s
    platform_.fault = [](auto, auto) { return std::nullopt; };
    pass(10s);
    EXPECT_THAT(platform_.effects, SizeIs(3));
    EXPECT_THAT(complaints_, SizeIs(1));
}

TEST_F(PipelineTest, AStoreThatFailsStopsChangesButLosesNothing) {
    store_.refuse = [] { return Status(unexpected(kDown)); };
    for (int i = 0; i < 5; ++i) {
        call("1", End::out_of_memory);
        pass(1s);
    }
    EXPECT_THAT(platform_.effects, IsEmpty());
    EXPECT_THAT(sink_.calls, SizeIs(5));
    EXPECT_THAT(memory_.calls, IsEmpty());
    EXPECT_EQ(std::set(complaints_.begin(), complaints_.end()).size(), complaints_.size()) << "told twice";
    EXPECT_THAT(complaints_, SizeIs(3));  // the calls', the change's and the refusals'

    store_.refuse = [] { return ok(); };
    pass(20s);
    EXPECT_THAT(memory_.calls, SizeIs(5));
    EXPECT_THAT(sink_.calls, SizeIs(5));
    EXPECT_THAT(platform_.effects, SizeIs(3));
}

TEST_F(PipelineTest, InvocationsWhoseCallsWereNotToldAreMarkedSo) {
    const auto known = [&] {
        pipeline_->flush();
        const auto all = store_.invocations_since({"fake", "orders"}, WallTime());
        return all && !all->empty() && all->back().calls_are_known;
    };
    call("1", End::answered), pass(2s);
    EXPECT_TRUE(known());
    hears_calls_ = false;
    call("1", End::answered), pass(2s);
    EXPECT_FALSE(known());
    hears_calls_ = true, pass(2s);
    call("1", End::answered), pass(2s);
    EXPECT_TRUE(known());
}

TEST_F(PipelineTest, TroublesThatTakeTurnsAreEachToldOnceAnHour) {
    source_.fault = [] { return Error{Errc::unavailable, "the ring is gone"}; };
    second_source_.fault = [] { return Error{Errc::unavailable, "the log is gone"}; };
    pass(60s);
    EXPECT_THAT(complaints_, ElementsAre("the ring is gone", "the log is gone"));
    pass(1h);
    EXPECT_THAT(complaints_, SizeIs(4));
}

TEST_F(PipelineTest, ASourceThatFailsDoesNotStopTheOthersAndIsPolledAgain) {
    second_source_.fault = [] { return Error{Errc::unavailable, "the log is gone"}; };
    call("1", End::out_of_memory);
    turn(3);
    EXPECT_THAT(platform_.effects, SizeIs(3));
    std::swap(source_.fault, second_source_.fault);
    call("1", End::answered);
    pass(2s);
    EXPECT_THAT(sink_.calls, SizeIs(1));
    source_.fault = [] { return std::nullopt; };
    pass(2s);
    EXPECT_THAT(sink_.calls, SizeIs(2));
    EXPECT_THAT(complaints_, ElementsAre("the log is gone"));
}

TEST_F(PipelineTest, WhatPeopleMustEndFirstIsTriedAgainAfterMinutesNotAfterACooldown) {
    platform_.somebody_changes_code();  // and does not publish it
    const auto refusals = [&] {
        call("1", End::out_of_memory);
        pass(30s);
        return sink_.outcomes.size();
    };
    EXPECT_EQ(refusals(), 1u);
    pass(rules::kRefusedRest - 90s);
    EXPECT_EQ(refusals(), 1u);
    EXPECT_EQ(sink_.outcomes[0].disposition, Disposition::refused);
    EXPECT_THAT(platform_.effects, IsEmpty());

    platform_.somebody_publishes();
    platform_.somebody_moves_alias("live", "2");
    pass(30s);
    call("2", End::out_of_memory);
    pass(5s);
    EXPECT_THAT(platform_.effects, SizeIs(3));
}

TEST_F(PipelineTest, ADeploymentThatWasBegunIsNotBegunAgainAfterADeath) {
    Action action = test::resize_action();
    action.target = {"fake", "orders"};
    action.rule = "deploy";
    action.change = Deploy{.code_hash = {}, .package = {}, .words = "app"};
    const std::filesystem::path folder = approvals_ / "deployments";
    ASSERT_TRUE(leave(folder, action, "new code"));
    const auto asked = deployments_in(folder).at(0);
    pass(2s);
    EXPECT_TRUE(deployments_in(folder).empty());
    ASSERT_EQ(store_.changes(10)->size(), 1u);
    // As an agent leaves it that dies between the journal's record and the request's removal.
    std::ofstream(asked.file) << to_json(asked.action);
    pass(2s);
    EXPECT_TRUE(deployments_in(folder).empty());
    EXPECT_EQ(store_.changes(10)->size(), 1u);
}

// Held up after its last look, it tells the rest with the next one; meanwhile the other has told of later things.
TEST_F(PipelineTest, WhatASourceHasNotToldYetIsWaitedFor) {
    const Nanos now = clock_.now().time_since_epoch();
    const Box box = EventScript::sandbox(1, 101, "orders");
    source_.tell([=](EventScript& s) { s.at(now).born(box).ready(box); });
    source_.told_until = clock_.now() + 1ms;
    second_source_.tell([=](EventScript& s) { s.at(now + 20ms).add(box, StackSample{.period = 10ms}); });
    clock_.advance(1s);
    turn();
    source_.tell([=](EventScript& s) { s.at(now + 10ms).start(box, "call", {.limit = 3s}).at(now + 30ms).end(box, "call"); });
    source_.told_until = clock_.now();
    turn();
    EXPECT_EQ(analyzer_.counters().late, 0u);
    ASSERT_EQ(memory_.calls.size(), 1u);
    EXPECT_EQ(memory_.calls.front().samples, 1u);
}

TEST_F(PipelineTest, AnAppliedChangeOfAFunctionThatIsNotThereIsNotAskedForForEver) {
    Action action = test::resize_action();
    action.target = {"fake", "orders"};
    ASSERT_TRUE(leave(approvals_ / "applications", action));
    platform_.somebody_deletes_the_function();
    pass(2s);
    EXPECT_TRUE(actions_in(approvals_ / "applications").empty());
    EXPECT_THAT(platform_.effects, IsEmpty());
    EXPECT_THAT(complaints_, SizeIs(1));
}

// Also when it was taken back, and would be possible again.
TEST_F(PipelineTest, AnAppliedChangeThatWasBegunIsNotBegunAgainAfterADeath) {
    Action action = test::resize_action();
    action.target = {"fake", "orders"};
    action.change = Resize{128, 256};
    action.mode = Mode::apply;
    ASSERT_TRUE(leave(approvals_ / "applications", action));
    const auto asked = actions_in(approvals_ / "applications").at(0);
    pass(2s);
    const auto changes = store_.changes(10);
    ASSERT_EQ(changes->size(), 1u);
    ASSERT_TRUE(executor_.roll_back(changes->front().id, "ada"));
    pass(5s);
    ASSERT_EQ(store_.changes(10)->front().step, Step::closed);
    std::ofstream(asked.file) << to_json(asked.action);
    pass(5s);
    EXPECT_TRUE(actions_in(approvals_ / "applications").empty());
    EXPECT_EQ(store_.changes(10)->size(), 1u);
}

}  // namespace
}  // namespace autotune::cli
