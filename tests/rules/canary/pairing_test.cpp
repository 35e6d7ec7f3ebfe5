#include "rules/canary/pairing.hpp"

#include <gtest/gtest.h>

#include <random>

namespace autotune::rules {
namespace {

using namespace std::chrono_literals;

const WallTime kStart{std::chrono::hours(500'000)};
const PairingOptions kOptions{.baseline = "1", .candidate = "2", .from = kStart};

struct CallAt {
    std::string version;
    Nanos start{0};
    Nanos duration{100ms};
    InvocationStatus status = InvocationStatus::ok;
    std::uint64_t bytes = 10;
    bool held = false;
};
Invocation call(const CallAt& c) {
    Invocation i;
    i.id = InvocationId(std::to_string(c.start.count()) + c.version);
    i.version = c.version;
    i.wall_start = kStart + c.start;
    i.duration = c.duration;
    i.status = c.status;
    i.request_bytes = c.bytes;
    i.held = c.held;
    return i;
}
Trial paired(const std::vector<CallAt>& calls, const PairingOptions& options = kOptions) {
    std::vector<Invocation> invocations;
    for (const CallAt& c : calls) invocations.push_back(call(c));
    return pair_calls(invocations, options);
}

TEST(Pairing, TakesTheNearestBaselineCall) {
    const Trial t = paired({{"1", 0s, 101ms}, {"1", 5s, 102ms}, {"2", 6s, 200ms}, {"1", 60s, 103ms}});
    ASSERT_EQ(t.pairs.size(), 1u);
    EXPECT_EQ(t.pairs[0].baseline.duration, 102ms);
    EXPECT_EQ(t.pairs[0].canary.duration, 200ms);
    EXPECT_EQ(t.baseline.calls, 3u);
    EXPECT_EQ(t.canary.calls, 1u);
}

TEST(Pairing, UsesEachBaselineCallOnce) {
    const Trial t = paired({{"1", 0s}, {"2", 1s}, {"2", 2s}});
    EXPECT_EQ(t.pairs.size(), 1u);
    EXPECT_EQ(t.canary.calls, 2u);
}

TEST(Pairing, ACanaryCallWaitsForABaselineCall) {
    const Trial t = paired({{"2", 0s}, {"1", 1s, 77ms}});
    ASSERT_EQ(t.pairs.size(), 1u);
    EXPECT_EQ(t.pairs[0].baseline.duration, 77ms);
}

TEST(Pairing, LeavesOutCallsThatWereHeldForADebugger) {
    const Trial t = paired({{"1", 0s}, {.version = "2", .start = 1s, .status = InvocationStatus::error, .held = true}});
    EXPECT_EQ(t.pairs.size(), 0u);
    EXPECT_EQ(t.canary.calls, 0u);
    EXPECT_EQ(t.canary.failures, 0u);
}

TEST(Pairing, ComparesOnlyInputsOfLikeSize) {
    EXPECT_EQ(paired({{.version = "1", .bytes = 10}, {.version = "2", .bytes = 100'000}}).pairs.size(), 0u);
    EXPECT_EQ(paired({{.version = "1", .bytes = 10}, {.version = "2", .bytes = 12}}).pairs.size(), 1u);
}

TEST(Pairing, ComparesOnlyCallsOfTheSameTime) {
    EXPECT_EQ(paired({{"1", 0s}, {"2", 20min}}).pairs.size(), 0u);
    EXPECT_EQ(paired({{"1", 0s}, {"2", 14min}}).pairs.size(), 1u);
}

TEST(Pairing, PassesOverOtherVersionsAndEarlierCalls) {
    const Trial t = paired({{"7", 0s}, {"1", -10s}, {"2", 1s}});
    EXPECT_EQ(t.pairs.size(), 0u);
    EXPECT_EQ(t.baseline.calls, 0u);
}

TEST(Pairing, CountsCallsWithUnknownEndAndPairsNoneOfThem) {
    const Trial t = paired({{"1", 0s}, {"2", 1s, 5ms, InvocationStatus::unknown}});
    EXPECT_EQ(t.pairs.size(), 0u);
    EXPECT_EQ(t.canary.unknown, 1u);
    EXPECT_EQ(t.canary.calls, 0u);
}

TEST(Pairing, KnowsFailuresAndOutOfMemoryKills) {
    const Trial t =
        paired({{"1", 0s, 1s, InvocationStatus::out_of_memory}, {"2", 1s, 1s, InvocationStatus::timeout}});
    ASSERT_EQ(t.pairs.size(), 1u);
    EXPECT_EQ(t.pairs[0].baseline.end, CallResult::End::out_of_memory);
    EXPECT_EQ(t.pairs[0].canary.end, CallResult::End::failed);
    EXPECT_EQ(t.baseline.out_of_memory, 1u);
    EXPECT_EQ(t.canary.failures, 1u);
}

std::vector<Invocation> traffic(unsigned seed, int calls) {
    std::mt19937 random(seed);
    std::vector<Invocation> out;
    for (int i = 0; i < calls; ++i) {
        CallAt c{.version = random() % 3 == 0 ? "2" : "1", .start = 1s * i, .bytes = random() % 4 * 1000};
        // The machine gets slower by the hour, for both.
        c.duration = Nanos(static_cast<std::int64_t>((100e6 + i * 1e5) * (1 + (random() % 100) / 500.0)));
        out.push_back(call(c));
    }
    return out;
}

TEST(Pairing, MoreCallsNeverChangeEarlierPairs) {
    auto calls = traffic(3, 300);
    const auto sooner = pair_calls(std::span(calls).first(200), kOptions).pairs;
    std::shuffle(calls.begin(), calls.end(), std::mt19937(1));
    const auto later = pair_calls(calls, kOptions).pairs;
    ASSERT_LE(sooner.size(), later.size());
    ASSERT_GT(sooner.size(), 30u);
    for (std::size_t i = 0; i < sooner.size(); ++i) {
        EXPECT_EQ(sooner[i].canary.duration, later[i].canary.duration);
        EXPECT_EQ(sooner[i].baseline.duration, later[i].baseline.duration);
    }
}

TEST(Pairing, ADriftOfBothVersionsIsNoHarm) {
    const Trial t = pair_calls(traffic(5, 6000), kOptions);
    const JudgeReport report = judge(t, CanaryPolicy{}, Horizon::reached);
    EXPECT_EQ(report.decision, JudgeReport::Decision::promote) << report.reason;
}

}  // namespace
}  // namespace autotune::rules
