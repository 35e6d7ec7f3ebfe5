// Objectives of sizing as people write them.
#include "cli/size_objective.hpp"

#include <gtest/gtest.h>

namespace autotune::cli {
namespace {

using rules::sizing::Goal;

TEST(SizeObjective, IsReadAsItIsWritten) {
    EXPECT_EQ(objective_of("cost")->goal, Goal::cost);
    EXPECT_EQ(objective_of("balanced:0.25")->goal, Goal::balanced);
    EXPECT_EQ(objective_of("balanced:0.25")->parameter, 0.25);
    EXPECT_EQ(objective_of("fastest-within:10")->goal, Goal::fastest_within);
    EXPECT_EQ(objective_of("fastest-within:10")->parameter, 10);
    for (const char* text : {"p95<=300ms", "p95<=0.3s"}) {
        EXPECT_EQ(objective_of(text)->goal, Goal::slo) << text;
        EXPECT_EQ(objective_of(text)->parameter, 300) << text;
        EXPECT_NEAR(objective_of(text)->quantile_z, 1.645, 0.001) << text;
    }
    EXPECT_EQ(objective_of("p50<=1s")->quantile_z, 0);
}

TEST(SizeObjective, IsNothingElse) {
    for (const char* text : {"", "best", "balanced:", "balanced:1.1", "balanced:-0.1", "balanced:0.5x", "fastest-within:", "fastest-within:-1",
                             "fastest-within:nan", "p95<=0ms", "p95<=300", "p95<=ms", "p95<300ms", "p42<=300ms", "cost "})
        EXPECT_FALSE(objective_of(text)) << text;
}

}  // namespace
}  // namespace autotune::cli
