#include "rules/recluster/predict.hpp"

#include <gtest/gtest.h>

#include "tests/rules/recluster/builders.hpp"

namespace autotune::rules {
namespace {

using namespace test;

struct Planned {
    CallLog log;
    Regrouping plan;
};

Planned planned(const std::string& text, const GroupConstraints& constraints = {}) {
    Planned out;
    auto log = read_log(text);
    EXPECT_TRUE(log) << log.error().message;
    auto links = link(*log, constraints.overhead_ms);
    EXPECT_TRUE(links) << links.error().message;
    out.plan = regroup(*log, *links, constraints, {.groups = {}});
    out.log = std::move(*log);
    return out;
}

// front 100 ms, of which 60 wait for back, that runs 50.
std::string chain(int traces = 1) {
    std::string text;
    for (int t = 0; t < traces; ++t)
        text += invocation(t, "a", "", "front", 0, 100, call("back", "b", 10, 60)) + invocation(t, "b", "a", "back", 500, 550);
    return text;
}

TEST(Recluster, AChainSavesTheWaitAndItsOverhead) {
    const auto [log, plan] = planned(chain());
    EXPECT_EQ(plan.groups, (Grouping{{0, 1}}));
    EXPECT_EQ(plan.fused, plan.groups);
    EXPECT_TRUE(plan.exact);
    EXPECT_NEAR(plan.gb_s.before, 0.150, 1e-9);
    EXPECT_NEAR(plan.gb_s.after, 0.090, 1e-9);
    EXPECT_NEAR(plan.root_p50.after, 90, 1e-9);
}

TEST(Recluster, CallsInParallelRunOneAfterTheOtherInside) {
    // Two of 50 ms at once: what is saved of the caller's memory is the union, not the sum.
    const std::string text = invocation(1, "a", "", "front", 0, 100, call("x", "x", 10, 60) + "," + call("y", "y", 10, 60)) +
                             invocation(1, "x", "a", "x", 0, 50) + invocation(1, "y", "a", "y", 0, 50);
    const auto [log, plan] = planned(text);
    EXPECT_EQ(plan.groups.size(), 1u);
    EXPECT_NEAR(plan.gb_s.before, 0.200, 1e-9);
    EXPECT_NEAR(plan.gb_s.after, 0.140, 1e-9);
    EXPECT_NEAR(plan.root_p50.after, 140, 1e-9);
    // Those that only wait do so at once.
    GroupConstraints waiting;
    waiting.functions["x"].cpu_share = waiting.functions["y"].cpu_share = 0;
    EXPECT_NEAR(planned(text, waiting).plan.gb_s.after, 0.090, 1e-9);
}

TEST(Recluster, AsynchronousCallsStayRemote) {
    const auto [log, plan] = planned(invocation(1, "a", "", "front", 0, 30, call("tail", "b", 10, 5, false)) +
                                     invocation(1, "b", "a", "tail", 20, 220));
    EXPECT_EQ(plan.groups.size(), 2u);
    EXPECT_DOUBLE_EQ(plan.gb_s.pct(), 0);
}

TEST(Recluster, WhoCallsItselfDoesSoAsBefore) {
    const auto [log, plan] = planned(invocation(1, "a", "", "f", 0, 100, call("f", "b", 10, 60)) + invocation(1, "b", "a", "f", 0, 50));
    EXPECT_DOUBLE_EQ(plan.gb_s.pct(), 0);
    EXPECT_TRUE(plan.fused.empty() && plan.split.empty());
}

TEST(Recluster, MemoriesThatDifferTooMuchStayApart) {
    // A wait of 4096 MB is dear, 10 s of work at 4096 MB instead of 128 dearer.
    const std::string text = invocation(1, "a", "", "small", 0, 10'060, call("large", "b", 10, 50), 128) +
                             invocation(1, "b", "a", "large", 0, 40, "", 4096);
    EXPECT_EQ(planned(text).plan.groups.size(), 2u);
}

TEST(Recluster, TheConstraintThatBoundIsSaid) {
    const auto bound_by = [](const GroupConstraints& c) {
        const auto [log, plan] = planned(chain(), c);
        EXPECT_EQ(plan.groups.size(), 2u);
        return plan.bounds.empty() ? "" : plan.bounds[0].constraint;
    };
    GroupConstraints c;
    c.alone.insert("back");
    EXPECT_EQ(bound_by(c), "do_not_fuse: back");
    c = {}, c.apart = {{"front", "back"}};
    EXPECT_TRUE(bound_by(c).starts_with("do_not_fuse"));
    c = {}, c.functions["front"].runtime = "python3.11";
    EXPECT_EQ(bound_by(c), "runtime: front python3.11, back not known");
    c = {}, c.functions["front"].role = "r1", c.functions["back"].role = "r2";
    EXPECT_EQ(bound_by(c), "role: front r1, back r2");
    c = {}, c.functions["front"].timeout_ms = 110, c.functions["back"].timeout_ms = 3000;  // front's deployment keeps its own
    EXPECT_TRUE(bound_by(c).starts_with("timeout: front's p99"));
    c = {}, c.functions["back"].peak_mb = 1000, c.most_memory_mb = 1100;
    EXPECT_TRUE(bound_by(c).starts_with("max_memory_mb: 1150"));
}

TEST(Recluster, WhatIsTogetherWithoutGainIsSplit) {
    // back is called inside of front, which has 2048 MB; alone it needs 128.
    GroupConstraints c;
    c.functions["back"].memory_mb = 128, c.overhead_ms = 5;
    std::string text;
    for (int t = 0; t < 20; ++t)
        text += invocation(t, "a", "", "front", 0, 3000, call("back", "", 0, 1000, true, true), 2048) +
                invocation(100 + t, "b", "", "back", 0, 60'000, "", 128);
    const auto [log, plan] = planned(text, c);
    EXPECT_EQ(plan.groups.size(), 2u);
    EXPECT_EQ(plan.split, (Grouping{{0, 1}}));
}

TEST(Recluster, ColdTracesAreLeftOutWhereThereAreOthers) {
    const std::string cold = invocation(50, "a", "", "front", 0, 900, call("back", "b", 10, 860), 1024, true) +
                             invocation(50, "b", "a", "back", 500, 550, "", 1024, true);
    const auto [log, plan] = planned(chain(20) + cold);
    EXPECT_EQ(plan.used, 20u);
    EXPECT_EQ(plan.cold, 1u);
    EXPECT_NEAR(plan.gb_s.pct(), -40, 1e-9);
    EXPECT_NEAR(plan.gb_s.low_pct, -40, 1e-9);  // all alike: nothing to doubt
}

TEST(Recluster, IntervalsHoldTheChangeAndAreReproducible) {
    std::string text;
    for (int t = 0; t < 60; ++t)
        text += invocation(t, "a", "", "front", 0, 100 + 7 * (t % 9), call("back", "b", 10, 60)) +
                invocation(t, "b", "a", "back", 500, 520 + 5 * (t % 7));
    const auto a = planned(text).plan, b = planned(text).plan;
    EXPECT_LT(a.gb_s.low_pct, a.gb_s.pct());
    EXPECT_GT(a.gb_s.high_pct, a.gb_s.pct());
    EXPECT_EQ(a.root_p99.low_pct, b.root_p99.low_pct);
    EXPECT_EQ(a.gb_s.high_pct, b.gb_s.high_pct);
}

TEST(ReclusterConstraints, AreReadAndMistakesToldWithTheirPlace) {
    const auto right = load_constraints(
        "version: 1\nfunctions:\n  a: {role: r, timeout: 3s, cpu_share: 0.5}\ndo_not_fuse: [b, [c, d]]\nmax_functions: 4\n",
        Syntax::yaml);
    ASSERT_TRUE(right.constraints);
    EXPECT_EQ(right.constraints->functions.at("a").timeout_ms, 3000);
    EXPECT_EQ(right.constraints->apart.size(), 1u);
    const auto wrong = load_constraints("version: 1\ndo_not_fuze: [b]\n", Syntax::yaml);
    EXPECT_FALSE(wrong.constraints);
    EXPECT_EQ(wrong.diagnostics[0].at.line, 2);
}

}  // namespace
}  // namespace autotune::rules
