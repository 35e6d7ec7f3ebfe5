#include "cli/break_advice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/trace_break.hpp"

namespace autotune::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

host::BreakView native() {
    return {.handler = "handle", .code = "/state/code/1", .processes = {{4711, "bootstrap"}, {4712, "curl"}}};
}

TEST(BreakAdvice, NamesProcessSourceAndWhatToType) {
    EXPECT_EQ(break_advice(native(), {}),
              "  process   4711 bootstrap\n"
              "     also   4712 curl\n"
              "  source    /state/code/1 (handler handle)\n"
              "  attach    gdb -p 4711\n"
              "            break FUNCTION, then continue: it gets the invocation; its clock stands until gdb "
              "leaves\n");
    EXPECT_THAT(break_advice(native(), {.privilege = "sudo "}), HasSubstr("attach    sudo gdb -p 4711\n"));
}

TEST(BreakAdvice, OffersTheDebuggerInTheRuntimeFirst) {
    host::BreakView python = native();
    python.listener = "pdb";
    python.address = "127.0.0.1:4040";
    EXPECT_THAT(break_advice(python, {}), HasSubstr("attach    nc 127.0.0.1 4040\n"));
    EXPECT_THAT(break_advice(python, {}), HasSubstr("or        gdb -p 4711\n"));
    EXPECT_THAT(break_advice(python, {.netcat = false}), HasSubstr("/dev/tcp/127.0.0.1/4040"));
    python.listener = "debugpy";
    EXPECT_THAT(break_advice(python, {}), HasSubstr(R"("host": "127.0.0.1", "port": 4040)"));
    EXPECT_THAT(break_advice(python, {}), Not(HasSubstr("nc ")));
}

TEST(BreakAdvice, TellsTimesPlainly) {
    EXPECT_EQ(plain_time(2500ms), "2.50 s");
    EXPECT_EQ(plain_time(10min), "10 min");
    EXPECT_EQ(plain_time(90s), "1 min 30 s");
}

TEST(BreakRequest, IsForHostsOnThisMachine) {
    for (const char* url : {"http://127.0.0.1:9000", "http://localhost:1", "http://[::1]:9000"})
        EXPECT_TRUE(is_on_this_machine(url)) << url;
    for (const char* url : {"https://127.0.0.1:9000", "http://10.0.0.1:9000", "http://127.0.0.1.example.com",
                            "https://lambda.us-east-1.amazonaws.com", "nonsense", ""})
        EXPECT_FALSE(is_on_this_machine(url)) << url;
}

}  // namespace
}  // namespace autotune::cli
