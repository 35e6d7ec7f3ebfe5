// The engine and whoever knows groups: when it is asked, waited for, and left alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/engine.hpp"
#include "tests/rules/builders.hpp"

namespace autotune::rules {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::Loop;
using testing::out_of_memory;

PastChange under_way(const Loop& loop) {
    return {{"aws-lambda", "a"}, "oom", loop.now(), loop.now(), Resize{128, 228}, Disposition::in_progress};
}

TEST(EngineRecluster, AGroupIsWaitedForDeployedOnceAndApprovedAsARecluster) {
    const Deploy deploy{.code_hash = "h", .package = "/p", .words = "fuse with b", .remedy = "fuse"};
    Loop loop("guardrails: {approval: {required_for: [recluster]}}\nrules:\n"
              "- {name: r, when: fn.errors > 0, cooldown: 1h, plan: [{recluster: {op: fuse}}]}\n");
    loop.facts({out_of_memory("a")}).asks([](const FunctionRef&, const ReclusterStep&) { return being_worked_out(); });
    const Plan waits = loop.tick();
    EXPECT_TRUE(waits.actions.empty()) << "no word to people, which would begin the cooldown";
    EXPECT_TRUE(waits.refused.empty() && waits.still_refused.empty()) << "nothing speaks against it";
    loop.after(1s).asks([](const FunctionRef&, const ReclusterStep&) { return fail(Errc::unavailable, "no answer in time"); });
    EXPECT_THAT(loop.tick().refused.at(0).reason, HasSubstr("no answer in time"));
    loop.after(1s).asks([&](const FunctionRef&, const ReclusterStep&) { return Regrouped{.deploy = deploy, .because = {}, .predicted = {}}; });
    const Plan plan = loop.tick();
    ASSERT_EQ(plan.actions.size(), 1u);
    EXPECT_EQ(plan.actions[0].change, Change(deploy));
    EXPECT_EQ(plan.actions[0].approval_within, 24h);

    PastChange done{.function = {"aws-lambda", "a"},
                    .rule = "r",
                    .opened = loop.now(),
                    .closed = loop.now() + 1h,
                    .change = deploy,
                    .disposition = Disposition::promoted};
    const Plan again = loop.remembers(done).after(24h * 29).tick();
    ASSERT_EQ(again.actions.size(), 1u);
    EXPECT_EQ(again.actions[0].change, Change(Notify{Severity::warning, "recluster: fuse"}));
    EXPECT_THAT(again.actions[0].because, HasSubstr("done within 30 days"));
    EXPECT_EQ(loop.after(24h * 2).tick().actions.at(0).change, Change(deploy)) << "forgotten";
}

TEST(EngineRecluster, NoGroupIsAskedForWhileNothingMayBeChanged) {
    int asked = 0;
    const auto told = [&](const FunctionRef&, const ReclusterStep&) {
        ++asked;
        return Regrouped{.deploy = {.code_hash = "h", .package = "/p", .words = "fuse with b", .remedy = "fuse"}, .because = {}, .predicted = {}};
    };
    const std::string rules = "rules:\n- {name: r, when: fn.errors > 0, cooldown: 1h, plan: [{recluster: {op: fuse}}]}\n";
    Loop busy(rules);
    busy.remembers(under_way(busy));
    const Plan held = busy.facts({out_of_memory("a")}).asks(told).tick();
    EXPECT_TRUE(held.actions.empty()) << "nor are people told: it may be possible";
    EXPECT_THAT(held.refused.at(0).reason, HasSubstr("under way on it"));
    EXPECT_EQ(asked, 0);

    Loop resting(rules);
    EXPECT_EQ(resting.facts({out_of_memory("a")}).asks(told).tick().actions.size(), 1u);
    EXPECT_EQ(asked, 1);
    const Plan rests = resting.after(1min).tick();
    EXPECT_THAT(rests.refused.at(0).reason, HasSubstr("cooldown"));
    EXPECT_EQ(asked, 1) << "only to tell what it would have been";
}

TEST(EngineRecluster, AStepBeforeAGroupIsTakenWhateverHoldsTheGroupBack) {
    Loop loop("rules:\n- {name: r, when: fn.errors > 0, cooldown: 1h, plan: [{resize: {}}, {recluster: {op: fuse}}]}\n");
    loop.remembers(under_way(loop));
    const auto told = [](const FunctionRef&, const ReclusterStep&) { return fail(Errc::internal, "nobody is asked"); };
    const Plan held = loop.facts({out_of_memory("a")}).asks(told).tick();
    EXPECT_THAT(held.refused.at(0).reason, HasSubstr("under way on it"));
    EXPECT_THAT(held.refused.at(0).change, HasSubstr("128"));
}

}  // namespace
}  // namespace autotune::rules
