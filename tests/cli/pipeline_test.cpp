#include "cli/pipeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <set>

#include "cli/approvals.hpp"
#include "cli/deployments.hpp"
#include "knowledge/action_json.hpp"
#include "tests/analyzer/event_script.hpp"
#include "tests/knowledge/builders.hpp"
#include "tests/providers/fake_platform.hpp"
#include "tests/providers/fakes.hpp"
#include "tests/rules/builders.hpp"

namespace autotune::cli {
namespace {

using autotune::testing::Box;
using autotune::testing::EventScript;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

const std::string kRules = R"(
defaults: {mode: apply}
rules:
- name: oom
  when: fn.oom_count > 0
  window: 1m
  plan: [{resize: {}}]
  canary: {weight: 0.5, horizon: 1h}
)";

// Gives what it was told since the last poll.
class ScriptedSource final : public EventSource {
public:
    std::function<std::optional<Error>()> fault = [] { return std::nullopt; };

    void tell(std::function<void(EventScript&)> what) { told_.push_back(std::move(what)); }

    Status start() override { return ok(); }
    Status focus(const Detail&) override { return ok(); }
    Result<Poll> poll(Nanos, EventBatch& batch) override {
        if (const auto error = fault()) return unexpected(*error);
        std::swap(script_.batch, batch);  // names must be in the tables of the pipeline's batch
        for (const auto& what : told_) what(script_);
        told_.clear();
        std::swap(script_.batch, batch);
        Poll polled{.state = batch.events.empty() ? PollState::idle : PollState::ready};
        for (const Event& e : batch.events) polled.urgent |= std::holds_alternative<Killed>(e.body);
        return polled;
    }

private:
    EventScript script_;
    std::vector<std::function<void(EventScript&)>> told_;
};

class Recorder final : public Sink {
public:
    std::vector<Outcome> outcomes;
    std::vector<Action> actions;
    std::multiset<std::string> calls;
    std::vector<Step> steps;  // of changes, as they were published

    Status publish(const Publication& p) override {
        outcomes.insert(outcomes.end(), p.outcomes.begin(), p.outcomes.end());
        if (p.plan) actions.insert(actions.end(), p.plan->actions.begin(), p.plan->actions.end());
        for (const ChangeRecord& c : p.changes) steps.push_back(c.step);
        for (const Invocation& i : p.invocations) calls.emplace(i.id.view());
        return ok();
    }
};

// The real loop: only the kernel, the platform, the disk and time are told what to do.
class PipelineTest : public ::testing::Test {
protected:
    PipelineTest() { make_pipeline(Mode::apply); }

    void make_pipeline(Mode mode) {
        pipeline_ = std::make_unique<Pipeline>(
            PipelineParts{.clock = clock_,
                          .sources = {&source_, &second_source_},
                          .analyzer = analyzer_,
                          .rules = rules_,
                          .provider = platform_,
                          .store = store_,
                          .executor = executor_,
                          .sinks = {&sink_},
                          .health = [] { return AgentHealth{}; },
                          .hears_calls = [this] { return hears_calls_; },
                          .complain = [this](const std::string& text) { complaints_.push_back(text); }},
            PipelineOptions{.mode = mode, .approvals = approvals_ / "", .deployments = approvals_ / "deployments",
                            .applications = approvals_ / "applications"});
        EXPECT_TRUE(pipeline_->start());
    }

    enum class End { answered, out_of_memory };
    // One call of 10 ms in a sandbox of its own, which began just now.
    void call(const Version& version, End end) {
        const int n = ++calls_;
        Box box = EventScript::sandbox(static_cast<std::uint64_t>(n), 100 + n, "orders");
        box.version = version;
        box.memory_mb = platform_.memory_of(version);
        const Nanos now = clock_.now().time_since_epoch();
        source_.tell([=](EventScript& s) {
            const std::string id = "call-" + std::to_string(n);
            s.at(now).born(box).ready(box).start(box, id, {.limit = 3s}).at(now + 10ms);
            if (end == End::answered)
                s.end(box, id);
            else
                s.oom(box, box.process.pid).killed(box, 9);
        });
        clock_.advance(50ms);
    }
    void turn(int times = 1) {
        for (int i = 0; i < times; ++i) pipeline_->step(10ms);
    }
    // A turn a second.
    void pass(Nanos time) {
        for (; time > 0s; time -= 1s) {
            clock_.advance(1s);
            turn();
        }
    }

    test::TempFolder approvals_;
    bool hears_calls_ = true;
    test::FakeClock clock_;
    ScriptedSource source_, second_source_;
    Analyzer analyzer_{{.provider = "fake"}};
    rules::RuleSet rules_ = rules::testing::rules_of(kRules);
    test::FakePlatform platform_;
    test::MemoryStore memory_;
    test::HookedStore store_{memory_};
    Executor executor_{platform_, store_, clock_};
    Recorder sink_;
    std::vector<std::string> complaints_;
    std::unique_ptr<Pipeline> pipeline_;
    int calls_ = 0;
};

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
    EXPECT_THAT(complaints_, SizeIs(2));  // the calls' and the change's

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
