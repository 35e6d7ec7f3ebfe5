#include "rules/recluster/traits.hpp"

#include <gtest/gtest.h>

#include "tests/rules/recluster/builders.hpp"

namespace autotune::rules {
namespace {

using namespace test;

std::string with(std::string line, const std::string& more) { return line.replace(line.rfind('}'), 1, "," + more + "}"); }

TEST(ReclusterTraits, ComeFromTheLog) {
    // front: 100 ms, of which it waits 60 for two calls that overlap; 10 ms of the other 40 are CPU.
    auto log = read_log(with(invocation(1, "a", "", "front", 0, 100, call("back", "", 10, 50) + "," + call("back", "", 20, 50)),
                             R"("peak_mb":40,"timeout_ms":3000,"cpu_ms":10)") +
                        with(invocation(2, "b", "", "front", 0, 100, "", 1024, true),
                             R"("peak_mb":50,"timeout_ms":2000,"cpu_ms":99)"));
    ASSERT_TRUE(log) << log.error().message;
    GroupConstraints constraints;
    add_recorded_traits(*log, constraints);
    const FunctionTraits& front = constraints.functions.at("front");
    EXPECT_EQ(front.peak_mb, 50);
    EXPECT_EQ(front.timeout_ms, 2000);
    EXPECT_DOUBLE_EQ(front.cpu_share.value(), 0.25);  // of the warm one
    EXPECT_FALSE(constraints.functions.contains("back"));
}

TEST(ReclusterTraits, AreNotPutInPlaceOfWhatPeopleSay) {
    auto log = read_log(with(invocation(1, "a", "", "front", 0, 100), R"("peak_mb":40,"timeout_ms":3000,"cpu_ms":10)"));
    ASSERT_TRUE(log);
    GroupConstraints constraints;
    FunctionTraits& said = constraints.functions["front"];
    said.peak_mb = 70, said.timeout_ms = 900, said.cpu_share = 0.5;
    add_recorded_traits(*log, constraints);
    const FunctionTraits& front = constraints.functions.at("front");
    EXPECT_EQ(front.peak_mb, 70);
    EXPECT_EQ(front.timeout_ms, 900);
    EXPECT_EQ(front.cpu_share, 0.5);
}

TEST(ReclusterTraits, AreNotKnownWhereTheLogDoesNotSay) {
    auto log = read_log(invocation(1, "a", "", "front", 0, 100));
    ASSERT_TRUE(log);
    GroupConstraints constraints;
    add_recorded_traits(*log, constraints);
    EXPECT_TRUE(constraints.functions.empty());
    EXPECT_FALSE(read_log(with(invocation(1, "a", "", "front", 0, 100), R"("cpu_ms":-1)")));
}

}  // namespace
}  // namespace autotune::rules
