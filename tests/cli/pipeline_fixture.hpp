// The loop between a kernel, a platform, a disk and a time that do what a test tells them.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/pipeline.hpp"
#include "tests/analyzer/event_script.hpp"
#include "tests/knowledge/builders.hpp"
#include "tests/providers/fake_platform.hpp"
#include "tests/providers/fakes.hpp"
#include "tests/rules/builders.hpp"

namespace autotune::cli {

using autotune::testing::Box;
using autotune::testing::EventScript;
using namespace std::chrono_literals;

inline const std::string kRules = R"(
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
    std::optional<Timestamp> told_until;

    void tell(std::function<void(EventScript&)> what) { told_.push_back(std::move(what)); }

    Status start() override { return ok(); }
    Status focus(const Detail&) override { return ok(); }
    Result<Poll> poll(Nanos, EventBatch& batch) override {
        if (const auto error = fault()) return unexpected(*error);
        std::swap(script_.batch, batch);  // names must be in the tables of the pipeline's batch
        for (const auto& what : told_) what(script_);
        told_.clear();
        std::swap(script_.batch, batch);
        Poll polled{.state = batch.events.empty() ? PollState::idle : PollState::ready, .told_until = told_until};
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
                            .rollbacks = approvals_ / "rollbacks",
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
    static ExecutorOptions owned() {
        ExecutorOptions options;
        options.owner = "this-agent";  // matters where the platform keeps leases
        return options;
    }
    Executor executor_{platform_, store_, clock_, owned()};
    Recorder sink_;
    std::vector<std::string> complaints_;
    std::unique_ptr<Pipeline> pipeline_;
    int calls_ = 0;
};

}  // namespace autotune::cli
