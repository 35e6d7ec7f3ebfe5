#include "cli/planning.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/explanation.hpp"
#include "cli/plan_text.hpp"
#include "tests/knowledge/builders.hpp"
#include "tests/rules/builders.hpp"

namespace autotune::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace std::chrono_literals;

const FunctionRef kThumbnail{"aws-lambda", "thumbnail"};
constexpr WallTime kNow{std::chrono::hours(24 * 365 * 56)};

// Invocations of a function of 128 MB on record, by how long before now they ended.
class Records {
public:
    Records& ended(Nanos ago, InvocationStatus status, int times = 1) {
        for (int i = 0; i < times; ++i) {
            Invocation one;
            one.function = kThumbnail;
            one.version = "1";
            one.memory_mb = 128;
            one.status = status;
            one.duration = 100ms;
            one.wall_start = kNow - ago - one.duration;
            // Of another boot: says nothing here.
            one.start = from_ns(5);
            one.end = from_ns(100'000'005);
            one.cpu = 50ms;
            invocations_.push_back(one);
        }
        return *this;
    }
    Records& changed(ChangeRecord record) {
        changes_.push_back(std::move(record));
        return *this;
    }
    Records& label(const std::string& name, const std::string& value) {
        labels_[kThumbnail][name] = value;
        return *this;
    }
    Records& refused(Nanos ago, int times, std::uint32_t limit) {
        if (!observed_) observed_.emplace();
        for (int i = 0; i < times; ++i) observed_->throttled.push_back({kThumbnail, kNow - ago, limit});
        return *this;
    }
    [[nodiscard]] Plan plan(const std::string& rules) const {
        const std::map<std::string, Capabilities> platforms{{"aws-lambda", rules::testing::kLambda}};
        return plan_from(rules::testing::rules_of(rules), {invocations_, changes_, labels_, platforms, observed_ ? &*observed_ : nullptr}, kNow);
    }

private:
    std::vector<Invocation> invocations_;
    std::vector<ChangeRecord> changes_;
    std::optional<Observations> observed_;
    std::map<FunctionRef, std::map<std::string, std::string>> labels_;
};

std::string oom(const std::string& more) {
    return "rules:\n- {name: oom, when: fn.oom_count > 0, window: 10m, plan: [{resize: {}}]" + more + "}\n";
}

Records killed(Nanos ago = 1min) {
    return Records().ended(ago, InvocationStatus::out_of_memory, 3).ended(ago, InvocationStatus::ok, 27);
}

TEST(PlanFrom, KnowsWhatThePlatformTells) {
    const std::string rules = "rules:\n- {name: refused, when: fn.throttles > 10, window: 10m, plan: [{concurrency: {most: 9}}]}\n";
    EXPECT_TRUE(Records().ended(1min, InvocationStatus::ok, 20).plan(rules).actions.empty());
    EXPECT_TRUE(Records().refused(20min, 20, 2).plan(rules).actions.empty()) << "not in the window";
    const Plan plan = Records().ended(1min, InvocationStatus::ok, 20).refused(1min, 20, 2).plan(rules);
    ASSERT_EQ(plan.actions.size(), 1u);
    EXPECT_EQ(plan.actions[0].change, Change(Reserve{.from = 2, .to = 5, .before = {.calls = 40, .bad = 20}}));
}

TEST(PlanFrom, SaysWhatTheRulesWouldDo) {
    const Plan plan = killed().plan(oom(""));
    ASSERT_EQ(plan.actions.size(), 1u);
    EXPECT_EQ(plan.actions[0].change, Change(Resize{128, 228}));
    EXPECT_EQ(plan.actions[0].mode, Mode::dry_run) << "the rule's own";
    EXPECT_THAT(plan.actions[0].evidence.facts, ElementsAre(std::pair("fn.oom_count", "3")));
    EXPECT_EQ(plan.actions[0].evidence.wall(*plan.actions[0].evidence.kill_time), kNow - 1min);
}

TEST(PlanFrom, LooksAtTheWindowOnly) {
    EXPECT_THAT(killed(11min).plan(oom("")).actions, IsEmpty());
    EXPECT_THAT(Records().ended(-1s, InvocationStatus::out_of_memory, 3).plan(oom("")).actions, IsEmpty())
        << "a clock that was put back";
}

TEST(PlanFrom, AConditionMustHaveHeldForItsTime) {
    const std::string rule = oom(", for: 5m");
    EXPECT_THAT(killed(4min).plan(rule).actions, IsEmpty());
    EXPECT_EQ(killed(6min).plan(rule).actions.size(), 1u);
}

TEST(PlanFrom, ScopesAskForLabels) {
    const std::string rule = oom(", scope: {labels: {tier: prod}}");
    EXPECT_THAT(killed().plan(rule).actions, IsEmpty());
    EXPECT_EQ(killed().label("tier", "prod").plan(rule).actions.size(), 1u);
}

TEST(PlanFrom, ChangesOnRecordCount) {
    ChangeRecord record;
    record.action.target = kThumbnail;
    record.action.rule = "oom";
    record.action.change = Resize{128, 228};
    record.opened = record.updated = kNow - 1h;
    record.step = Step::closed;
    const auto refused = [&](Disposition d) {
        record.disposition = d;
        return killed().changed(record).plan(oom("")).refused;
    };
    ASSERT_EQ(refused(Disposition::reverted).size(), 1u);
    EXPECT_THAT(refused(Disposition::reverted)[0].reason, HasSubstr("in its cooldown"));
    EXPECT_THAT(refused(Disposition::planned), IsEmpty()) << "of a dry run nothing came";
    const std::string tells =
        "rules:\n- {name: oom, when: fn.oom_count > 0, window: 10m, plan: [{notify: {}}]}\n";
    EXPECT_EQ(killed().plan(tells).actions.size(), 1u);
    record.disposition = Disposition::notified;
    record.action.change = Notify{};
    EXPECT_THAT(killed().changed(record).plan(tells).actions, IsEmpty()) << "people know already";
}

TEST(PlanText, SaysWhatBecomesOfAChangeOfNoVersionWithoutProof) {
    Action action;
    action.target = kThumbnail;
    action.change = Reserve{.from = 1, .to = 3, .before = {}};
    action.canary = CanaryPolicy{};
    const PlanReport taken_back{.rules_file = "rules.yaml", .at = kNow, .actions = {{.action = action, .requests = "", .impossible = ""}}, .refused = {}};
    EXPECT_THAT(plan_text(taken_back), HasSubstr("fewer calls refused than before, within 2h; else it is taken back\n"));
    action.canary->on_hold = CanaryPolicy::OnHold::keep_waiting;
    const PlanReport waits{.rules_file = "rules.yaml", .at = kNow, .actions = {{.action = action, .requests = "", .impossible = ""}}, .refused = {}};
    EXPECT_THAT(plan_text(waits), HasSubstr("; else it is waited for\n"));
}

TEST(PlanText, IsADiffWithReasonsAndRequests) {
    PlannedAction resize{
        .action = test::resize_action(), .requests = "PUT /a {}\nPOST /b {}", .impossible = {}};
    PlannedAction tells{
        .action = test::resize_action("mail"), .requests = {}, .impossible = "there is no alias"};
    const PlanReport report{.rules_file = "r.yaml",
                            .at = kNow,
                            .actions = {resize, tells},
                            .refused = {{kThumbnail, "slow", "in its cooldown"}}};
    const std::string text = plan_text(report);
    EXPECT_THAT(text, HasSubstr("orders, by rule out-of-memory\n  - memory 128 MB\n  + memory 256 MB\n"));
    EXPECT_THAT(text, HasSubstr("    fact      fn.oom_count = 3\n"));
    EXPECT_THAT(text, HasSubstr("    request   PUT /a {}\n    request   POST /b {}\n"));
    EXPECT_THAT(text, HasSubstr("    refused   there is no alias\n"));
    EXPECT_THAT(text, HasSubstr("thumbnail, by rule slow: nothing, in its cooldown\n"));
    EXPECT_THAT(text, Not(HasSubstr("nothing to do")));
    EXPECT_THAT(plan_text({}), HasSubstr("nothing to do"));

    const auto json = nlohmann::json::parse(plan_json(report));
    EXPECT_EQ(json["actions"][0]["to_mb"], 256);
    EXPECT_EQ(json["actions"][0]["requests"].size(), 2u);
    EXPECT_EQ(json["actions"][1]["refused"], "there is no alias");
    EXPECT_EQ(json["refused"][0]["reason"], "in its cooldown");
}

TEST(Explanation, TellsPredictionOutcomeAndSteps) {
    Explanation e;
    e.change.id = ChangeId(12);
    e.change.action = test::resize_action();
    e.change.step = Step::closed;
    e.change.disposition = Disposition::promoted;
    e.change.before = {.alias = "live", .stable = "3", .candidate = {}, .etag = {}};
    e.change.before_head.memory_mb = 128;
    e.change.candidate = "4";
    e.change.judged = test::judge_report();
    e.steps = {{.sequence = 7, .change = ChangeId(12), .step = Step::intended, .at = kNow},
               {.sequence = 8,
                .change = ChangeId(12),
                .step = Step::closed,
                .disposition = Disposition::promoted,
                .at = kNow + 1h}};
    ChangeRecord other;
    other.id = ChangeId(11);
    other.action = test::resize_action();
    other.action.rule = "slow";
    other.detail = "a change is under way there";
    e.not_chosen = {other};
    const std::string text = explanation_text(e);
    EXPECT_THAT(text, HasSubstr("#12  orders  resize 128 MB → 256 MB: promoted\n"));
    EXPECT_THAT(text, HasSubstr("  predicted  no OOM with 256 MB\n"));
    EXPECT_THAT(text, HasSubstr("pairs of calls compared"));
    EXPECT_THAT(text, HasSubstr("  before     alias live on version 3, head 128 MB\n"));
    EXPECT_THAT(text, HasSubstr("  intended\n"));
    EXPECT_THAT(text, HasSubstr("  closed (promoted)\n"));
    EXPECT_THAT(text, HasSubstr("#11  resize 128 MB → 256 MB, by slow: a change is under way there\n"));
    const auto json = nlohmann::json::parse(explanation_json(e));
    EXPECT_EQ(json["id"], 12);
    EXPECT_EQ(json["steps"][1]["step"], "closed");
    EXPECT_EQ(json["before"]["memory_mb"], 128);
    EXPECT_EQ(json["refused_beside"][0]["rule"], "slow");
}

}  // namespace
}  // namespace autotune::cli
