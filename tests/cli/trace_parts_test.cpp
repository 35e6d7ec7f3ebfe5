#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/call_filter.hpp"
#include "cli/trace_sources.hpp"
#include "exporters/render/trace_chrome.hpp"

namespace autotune::cli {
namespace {

using ::testing::HasSubstr;
using Kernel = TracePlan::Kernel;

TEST(TracePlan, TakesEbpfWhereItWorksAndPtraceElsewhere) {
    EXPECT_EQ(plan_trace({.pids = {1}}, true)->kernel, Kernel::bpf);
    EXPECT_EQ(plan_trace({.pids = {1}}, false)->kernel, Kernel::ptrace);
    EXPECT_EQ(plan_trace({.command = {"true"}, .backend = BackendWish::ptrace}, true)->kernel,
              Kernel::ptrace);
    EXPECT_EQ(plan_trace({.command = {"true"}, .backend = BackendWish::runtime}, true)->kernel, Kernel::none);
    EXPECT_TRUE(plan_trace({.command = {"true"}}, true)->probes);
}

TEST(TracePlan, SeesAllExecutorsByEbpfOnly) {
    EXPECT_EQ(plan_trace({}, true)->kernel, Kernel::bpf);
    EXPECT_FALSE(plan_trace({}, true)->probes);
    for (const BackendWish wish : {BackendWish::any, BackendWish::ptrace, BackendWish::runtime}) {
        const auto plan = plan_trace({.backend = wish}, false);
        ASSERT_FALSE(plan);
        EXPECT_EQ(plan.error().code, Errc::invalid_argument);
        EXPECT_THAT(plan.error().message, HasSubstr("-- CMD"));
    }
}

TEST(CallFilter, KnowsAFunctionByItsNameOrItsModules) {
    EXPECT_TRUE(is_function("handler.main", "main", "/app/handler.py"));
    EXPECT_TRUE(is_function("main", "main", "/app/handler.py"));
    EXPECT_TRUE(is_function("handler.*", "Orders.total", "/app/handler.py"));
    EXPECT_TRUE(is_function("handler.total", "Orders.total", "/app/handler.py"));
    EXPECT_TRUE(is_function("Orders.total", "Orders.total", "/app/handler.py"));
    EXPECT_TRUE(is_function("json.loads", "loads", "/usr/lib/python3.11/json/__init__.py"));
    EXPECT_FALSE(is_function("handler.main", "main", "/app/other.py"));
    EXPECT_FALSE(is_function("handler.main", "mainly", "/app/handler.py"));
}

TEST(CallFilter, TakesOtherCallsOnly) {
    EventBatch batch;
    const auto function = [&](const char* name) {
        return batch.tables.frames.intern({.name = batch.tables.strings.intern(name)});
    };
    batch.events = {{.body = CallDone{.function = function("main")}},
                    {.body = CallDone{.function = function("helper")}},
                    {.body = CallTotals{.function = function("helper")}},
                    {.body = IoDone{}}};
    CallFilter({"main"}).apply(batch);
    ASSERT_EQ(batch.events.size(), 2u);
    EXPECT_TRUE(std::holds_alternative<CallDone>(batch.events[0].body));
    EXPECT_TRUE(std::holds_alternative<IoDone>(batch.events[1].body));
}

TEST(ChromeTrace, IsJsonWhateverTheNames) {
    EventBatch batch;
    StringTable& strings = batch.tables.strings;
    const FrameId evil = batch.tables.frames.intern({.name = strings.intern("a\"b\\\n\xff")});
    batch.events = {{.at = from_ns(5'000),
                     .process = {7, 1},
                     .thread = ThreadId(8),
                     .body = CallDone{.function = evil, .duration = Nanos(1'500)}},
                    {.at = from_ns(9'000),
                     .process = {7, 1},
                     .thread = ThreadId(8),
                     .body = OffCpu{.duration = Nanos(2'000), .cause = WaitCause::lock}}};
    std::ostringstream out;
    render::ChromeTrace trace(out, "x86_64");
    trace.add(batch);
    trace.finish();
    const auto json = nlohmann::json::parse(out.str());
    ASSERT_EQ(json["traceEvents"].size(), 2u);
    EXPECT_EQ(json["traceEvents"][0]["ts"], 3.5);
    EXPECT_EQ(json["traceEvents"][0]["dur"], 1.5);
    EXPECT_EQ(json["traceEvents"][1]["name"], "wait: lock");
    std::ostringstream nothing;
    render::ChromeTrace(nothing, "").finish();
    EXPECT_TRUE(nlohmann::json::parse(nothing.str())["traceEvents"].empty());
}

}  // namespace
}  // namespace autotune::cli
