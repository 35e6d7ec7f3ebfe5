#include "agent/logs/call_log.hpp"

#include <gtest/gtest.h>

namespace autotune::logs {
namespace {

TEST(CallLog, HasSourceFunctionDurationAndOutcome) {
    const auto call = parse_call_line("shop.py,pay,12.345,True");
    ASSERT_TRUE(call);
    EXPECT_EQ(call->source, "shop.py");
    EXPECT_EQ(call->function, "pay");
    EXPECT_EQ(call->duration, Nanos(12'345'000));
    EXPECT_TRUE(call->succeeded);
    EXPECT_FALSE(parse_call_line(",pay,1.000,False")->succeeded);
}

TEST(CallLog, TakesCommasToBeTheFunctions) {
    EXPECT_EQ(parse_call_line("s,a,b,c,1.000,True")->function, "a,b,c");
}

TEST(CallLog, OfADurationThatWasNotMeasuredIsZero) {
    EXPECT_EQ(parse_call_line("external:lambda,f,-1.000,True")->duration, Nanos(0));
}

TEST(CallLog, SaysWhatIsWrongWithALine) {
    const auto why = [](const char* line) { return parse_call_line(line).error().message; };
    EXPECT_EQ(why(""), "source,function,duration,success was expected");
    EXPECT_EQ(why("a,b"), "source,function,duration,success was expected");
    EXPECT_EQ(why("a,1.0,True"), "source,function,duration,success was expected");
    EXPECT_EQ(why("a,b,x,True"), "a duration in milliseconds was expected, not \"x\"");
    EXPECT_EQ(why("a,b,1.0,Maybe"), "True or False was expected, not \"Maybe\"");
    EXPECT_EQ(why("a,,1.0,True"), "the function has no name");
    EXPECT_EQ(why("a,b,-2,True"), "a duration of -2.000000 ms");
    EXPECT_EQ(why("a,b,nan,True"), "a duration of nan ms");
    EXPECT_FALSE(parse_call_line("a,b,1e300,True"));
}

}  // namespace
}  // namespace autotune::logs
