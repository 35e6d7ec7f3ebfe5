#include "rules/recluster/entry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/recluster/builders.hpp"

namespace autotune::rules {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// web waits for front, front for back, `times` times, each in a trace of its own; front takes 100 ms, of which it waits 80.
CallLog chain(int times, int back_mb = 1024) {
    std::string text;
    for (int t = 0; t < times; ++t) {
        const std::string n = std::to_string(t);
        text += invocation(t, "w" + n, "", "web", 0, 200 + t % 3, call("front", "f" + n, 10, 120)) +
                invocation(t, "f" + n, "w" + n, "front", 20, 120, call("back", "b" + n, 30, 80)) +
                invocation(t, "b" + n, "f" + n, "back", 40, 90 + t % 5, "", back_mb);
    }
    auto log = read_log(text);
    EXPECT_TRUE(log) << log.error().message;
    return *std::move(log);
}

TEST(ReclusterEntry, RequestsAreThoseOfTheFunctionWhoeverCalledIt) {
    const CallLog requests = requests_of(chain(3), "front");
    EXPECT_THAT(requests.functions, ElementsAre("front", "back"));
    ASSERT_EQ(requests.traces.size(), 3u);
    EXPECT_EQ(requests.traces[1].id, "f1");
    ASSERT_EQ(requests.traces[1].invocations.size(), 2u);
    EXPECT_EQ(requests.traces[1].invocations[0].parent, "");
    EXPECT_EQ(requests.traces[1].invocations[1].id, "b1");
    EXPECT_EQ(requests.invocations, 6u);
    EXPECT_TRUE(requests_of(chain(3), "nobody").traces.empty());
}

TEST(ReclusterEntry, WhatCallsItselfIsOneRequest) {
    const auto log = read_log(invocation(1, "a", "", "front", 0, 100, call("front", "b", 10, 80)) +
                              invocation(1, "b", "a", "front", 20, 80, call("back", "c", 30, 40)) + invocation(1, "c", "b", "back", 40, 60));
    ASSERT_TRUE(log) << log.error().message;
    const CallLog requests = requests_of(*log, "front");
    ASSERT_EQ(requests.traces.size(), 1u);
    EXPECT_EQ(requests.traces[0].invocations.size(), 3u);
}

TEST(ReclusterEntry, ItsGroupAndWhatThatSavesOfItsRequests) {
    const auto group = group_of(requests_of(chain(40), "front"), "front", {});
    ASSERT_TRUE(group) << group.error().message;
    EXPECT_THAT(group->members, ElementsAre("front", "back"));
    EXPECT_EQ(group->requests, 40u);
    // 100 ms and 50 to 54 ms at 1 GB; as one 100 ms less the way to back, some 30 ms.
    EXPECT_NEAR(group->gb_s.before, 0.152, 0.001);
    EXPECT_NEAR(group->gb_s.after, 0.072, 0.004);
    EXPECT_LT(group->gb_s.high_pct, 0);
    EXPECT_LT(group->p50.after, group->p50.before);
}

TEST(ReclusterEntry, SaysHowManyColdRequestsItLeftOut) {
    CallLog log = chain(40);
    for (int t = 0; t < 7; ++t) log.traces[t].invocations[1].cold = true;
    const auto group = group_of(requests_of(log, "front"), "front", {});
    ASSERT_TRUE(group) << group.error().message;
    EXPECT_EQ(group->requests, 33u);
    EXPECT_EQ(group->cold, 7u);
}

TEST(ReclusterEntry, FewRequestsAreWaitedFor) {
    const auto group = group_of(requests_of(chain(29), "front"), "front", {});
    ASSERT_FALSE(group);
    EXPECT_EQ(group.error().code, Errc::unavailable);
    EXPECT_THAT(group.error().message, HasSubstr("29 without cold starts"));
}

TEST(ReclusterEntry, RequestsWithUnknownCallsOrColdStartsDoNotCount) {
    CallLog log = chain(40);
    for (int t = 0; t < 5; ++t) log.traces[t].invocations[1].calls_known = false;       // front itself
    for (int t = 5; t < 8; ++t) log.traces[t].invocations[2].calls_known = false;       // back, further down
    for (int t = 8; t < 10; ++t) log.traces[t].invocations[0].calls_known = false;      // web is no part of the request
    for (int t = 10; t < 14; ++t) log.traces[t].invocations[2].cold = true;
    const CallLog requests = requests_of(log, "front");
    EXPECT_EQ(requests.traces.size(), 32u);
    EXPECT_EQ(requests.left_out, 8u);
    const Status enough = enough_requests(requests);
    ASSERT_FALSE(enough);
    EXPECT_EQ(enough.error().code, Errc::unavailable);
    EXPECT_EQ(enough.error().message,
              "of its requests 28 without cold starts are on record, and 30 are needed; 4 with cold starts do not count; of 8 the "
              "calls were not recorded");
    EXPECT_TRUE(enough_requests(requests_of(chain(30), "front")));
}

TEST(ReclusterEntry, SaysWhatForbidsAGroup) {
    GroupConstraints constraints;
    constraints.alone.insert("back");
    const auto apart = group_of(requests_of(chain(40), "front"), "front", constraints);
    ASSERT_FALSE(apart);
    EXPECT_EQ(apart.error().code, Errc::unsupported);
    EXPECT_THAT(apart.error().message, HasSubstr("do_not_fuse: back (with back)"));
    GroupConstraints small;
    small.most_memory_mb = 512;
    EXPECT_THAT(group_of(requests_of(chain(40), "front"), "front", small).error().message, HasSubstr("max_memory_mb: 1024 would be needed"));
    // Ten times front's memory for as long as both run is dearer than the wait.
    const auto dear = group_of(requests_of(chain(40, 10'240), "front"), "front", {});
    ASSERT_FALSE(dear);
    EXPECT_EQ(dear.error().code, Errc::unsupported);
}

}  // namespace
}  // namespace autotune::rules
