#include "agent/logs/trace_line.hpp"

#include <gtest/gtest.h>

namespace autotune::logs {
namespace {

template <class Kind>
Kind parsed(const char* line) {
    const auto result = parse_trace_line(line);
    if (!result || !std::holds_alternative<Kind>(*result)) {
        ADD_FAILURE() << line;
        return {};
    }
    return std::get<Kind>(*result);
}

TEST(TraceLine, OfACallNamesTheCallee) {
    EXPECT_EQ(parsed<CallLine>("call from \t/a/x.py.f to /a/y.py.g").function, (TracedFunction{"/a/y.py", "g"}));
    EXPECT_EQ(parsed<CallLine>("call from \t to /a/y.py.g").function.name, "g");
    EXPECT_EQ(parsed<CallLine>("call from \t/a/x.py.f to <frozen importlib._bootstrap>._load").function,
              (TracedFunction{"<frozen importlib._bootstrap>", "_load"}));
    EXPECT_EQ(parsed<CallLine>("call from \t/a/x.py.<lambda> to /a/x.py.<listcomp>").function.name, "<listcomp>");
}

TEST(TraceLine, ToleratesPathsThatHoldTheWordBetween) {
    EXPECT_EQ(parsed<CallLine>("call from \t/a to b/x.py.f to /a to b/y.py.g").function,
              (TracedFunction{"/a to b/y.py", "g"}));
    EXPECT_EQ(parsed<ReturnLine>("return from \t/a to b/y.py.g to /a to b/x.py.f - time elapsed: 1ms").function,
              (TracedFunction{"/a to b/y.py", "g"}));
}

TEST(TraceLine, OfAReturnHasTheTime) {
    EXPECT_EQ(parsed<ReturnLine>("return from \t/a.py.f to /b.py.g - time elapsed: 0.000954ms").duration, Nanos(954));
    EXPECT_EQ(parsed<ReturnLine>("return from \t/a.py.f to  - time elapsed: 1e-05ms").duration, Nanos(10));
    EXPECT_EQ(parsed<ReturnLine>("return from \t/a.py.f to /b.py.g - time elapsed: -0.5ms").duration, Nanos(0))
        << "the wall clock was set back";
}

TEST(TraceLine, OfAnExceptionFileConnectionAndLoad) {
    EXPECT_EQ(parsed<ExceptionLine>("exception in \t/a.py.f at line 3: at line 4").function.name, "f");
    const auto file = parsed<FileLine>("File OPENED by /a.py.f in mode 'r' - Path: /x - Path: y");
    EXPECT_TRUE(file.is_opened);
    EXPECT_EQ(file.path, "/x - Path: y");
    const auto connection =
        parsed<ConnectionLine>("Connection CLOSED by /a.py.f: udp connection from ::1:5 to 127.0.0.1:5");
    EXPECT_FALSE(connection.is_opened);
    EXPECT_EQ(to_string(connection.local), "[::1]:5");
    EXPECT_EQ(connection.peer, ipv4_endpoint(127, 0, 0, 1, 0));
    EXPECT_EQ(parsed<PerformanceLine>("performance -- CPU: 12.5% - Memory: 0.1%").cpu_percent, 12.5);
}

TEST(TraceLine, ThatIsSomethingElseIsRefused) {
    for (const char* line :
         {"", "call", "call from \t", "call from \t/a.py.f", "call from \t/a.py.f to ",
          "return from \t/a.py.f to /b.py.g", "return from \t/a.py.f to /b.py.g - time elapsed: ms",
          "return from \t/a.py.f to /b - time elapsed: infms",
          "exception in \t", "File OPENED by x", "Connection OPENED by x: tcp connection from a:1 to b:2",
          "performance -- CPU: % - Memory: %", "print of the function itself"})
        EXPECT_FALSE(parse_trace_line(line)) << line;
}

TEST(TraceLogName, HasFunctionMinuteAndId) {
    const auto name = parse_trace_log_name("trace_log-my-function-251103-1407-0123abcd.log");
    ASSERT_TRUE(name);
    EXPECT_EQ(name->function, "my-function");
    EXPECT_EQ(name->id, "0123abcd");
    EXPECT_EQ(name->year, 2025);
    EXPECT_EQ(name->month, 11);
    EXPECT_EQ(name->minute, 7);
    EXPECT_TRUE(parse_trace_log_name("trace_log-f-251103-1407-0123abcd.log.gz"));
    EXPECT_FALSE(parse_trace_log_name("trace_log-f-251103-1407-0123abcX.log"));
    EXPECT_FALSE(parse_trace_log_name("trace_log--251103-1407-0123abcd.log"));
    EXPECT_FALSE(parse_trace_log_name("snafu.csv"));
}

}  // namespace
}  // namespace autotune::logs
