#include "host/sandbox/report.hpp"

#include <gtest/gtest.h>
#include <signal.h>

namespace autotune::host {
namespace {

using namespace std::chrono_literals;

constexpr auto kId = "3604209a-e9a3-11e6-939a-754dd98c7be3";

InvocationReport a_report() {
    return {.request_id = kId, .duration = 12'340us, .memory_mb = 128, .peak_bytes = 63 * 1048576 + 1};
}

TEST(LogLines, StartAndEnd) {
    EXPECT_EQ(start_line(kId, "$LATEST"),
              "START RequestId: 3604209a-e9a3-11e6-939a-754dd98c7be3 Version: $LATEST\n");
    EXPECT_EQ(end_line(kId), "END RequestId: 3604209a-e9a3-11e6-939a-754dd98c7be3\n");
}

TEST(ReportLine, RoundsBilledTimeAndMemoryUp) {
    EXPECT_EQ(
        report_line(a_report()),
        "REPORT RequestId: 3604209a-e9a3-11e6-939a-754dd98c7be3\tDuration: 12.34 ms\tBilled Duration: 13 ms\t"
        "Memory Size: 128 MB\tMax Memory Used: 64 MB\n");
}

TEST(ReportLine, AWholeMillisecondIsBilledAsItIs) {
    InvocationReport report = a_report();
    report.duration = 3s;
    report.peak_bytes = 64 * 1048576;
    EXPECT_EQ(report_line(report),
              "REPORT RequestId: 3604209a-e9a3-11e6-939a-754dd98c7be3\tDuration: 3000.00 ms\tBilled "
              "Duration: 3000 ms\t"
              "Memory Size: 128 MB\tMax Memory Used: 64 MB\n");
}

TEST(ReportLine, AColdStartTellsItsInit) {
    InvocationReport report = a_report();
    report.init = 101'500us;
    EXPECT_TRUE(report_line(report).ends_with("\tMax Memory Used: 64 MB\tInit Duration: 101.50 ms\n"));
    report.held = std::chrono::milliseconds(1500);
    EXPECT_TRUE(report_line(report).ends_with("\tInit Duration: 101.50 ms\tHeld: 1500.00 ms\n"));
}

TEST(ReportLine, TellsHowItEndedWhenItWasNotAnAnswer) {
    InvocationReport report = a_report();
    report.ending = Ending::timeout;
    EXPECT_TRUE(report_line(report).ends_with("\tMax Memory Used: 64 MB\tStatus: timeout\n"));
    report.ending = Ending::out_of_memory;
    report.error_type = "Runtime.OutOfMemory";
    EXPECT_TRUE(report_line(report).ends_with("\tStatus: error\tError Type: Runtime.OutOfMemory\n"));
    report.ending = Ending::error;
    EXPECT_TRUE(report_line(report).ends_with("\tMax Memory Used: 64 MB\n"));
}

TEST(InitReportLine, NamesThePhase) {
    EXPECT_EQ(
        init_report_line(509'620us, InitPhase::init, Ending::exit, "Runtime.ExitError"),
        "INIT_REPORT Init Duration: 509.62 ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError\n");
    EXPECT_EQ(init_report_line(10s, InitPhase::invoke, Ending::timeout, ""),
              "INIT_REPORT Init Duration: 10000.00 ms\tPhase: invoke\tStatus: timeout\n");
}

TEST(TimeoutMessage, IsStampedAndHasTwoDecimals) {
    const WallTime at(1'795'227'327'123ms);
    EXPECT_EQ(timeout_message(at, "id", 3s), to_rfc3339(at) + " id Task timed out after 3.00 seconds");
}

TEST(ExitMessage, SpeaksAsGoDoes) {
    EXPECT_EQ(exit_message("id", {.code = 1}),
              "RequestId: id Error: Runtime exited with error: exit status 1");
    EXPECT_EQ(exit_message("id", {.signal = SIGKILL}),
              "RequestId: id Error: Runtime exited with error: signal: killed");
    EXPECT_EQ(exit_message("id", {}), "RequestId: id Error: Runtime exited without providing a reason");
    EXPECT_EQ(describe({.signal = SIGSEGV}), "signal: segmentation fault");
    EXPECT_EQ(describe({.signal = 34}), "signal: signal 34");
}

TEST(ErrorObject, IsJsonAlsoForStrangeText) {
    EXPECT_EQ(error_object("T", "a \"b\"\n"), R"({"errorType":"T","errorMessage":"a \"b\"\n"})");
    EXPECT_EQ(error_object("", "m"), R"({"errorMessage":"m"})");
    EXPECT_EQ(error_object("", "\xff"), "{\"errorMessage\":\"\xef\xbf\xbd\"}");
}

}  // namespace
}  // namespace autotune::host
