// How sandboxes come, are used again, wait their turn and go.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "tests/host/sandbox/sandbox_world.hpp"

namespace autotune::host {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Kind = InvokeResult::Kind;
using nlohmann::json;

class SandboxLifecycle : public SandboxWorld {};

constexpr auto kHello = "def handler(event, context): return 'hello'\n";

TEST_F(SandboxLifecycle, ReusesAWarmSandboxAlsoForCallsBackToBack) {
    const auto function = python("warm", "import os\ndef handler(e, c): return os.getpid()\n");
    const InvokeResult first = invoke(function);
    for (int i = 0; i < 20; ++i) {
        const InvokeResult again = invoke(function);
        EXPECT_EQ(again.payload, first.payload);
        EXPECT_THAT(again.log_tail, Not(HasSubstr("Init Duration")));
    }
}

// It answers, and never asks again.
TEST_F(SandboxLifecycle, ACallThatWaitsInVainForASandboxIsGivenToAnother) {
    limits.patience = std::chrono::milliseconds(50);
    const auto function = provided("silent", R"(#!/usr/bin/python3
import http.client, os, time
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
api.request("GET", "/2018-06-01/runtime/invocation/next")
answer = api.getresponse(); answer.read()
request = answer.headers["Lambda-Runtime-Aws-Request-Id"]
api.request("POST", "/2018-06-01/runtime/invocation/%s/response" % request, str(os.getpid()))
time.sleep(1000)
)");
    const InvokeResult first = invoke(function), second = invoke(function);
    EXPECT_EQ(first.kind, Kind::ok) << first.payload;
    EXPECT_EQ(second.kind, Kind::ok) << second.payload;
    EXPECT_NE(first.payload, second.payload);
    EXPECT_EQ(sandboxes(), 2U);
}

TEST_F(SandboxLifecycle, OverItsConcurrencyAFunctionIsThrottled) {
    limits.function_concurrency = 2;
    const auto function = python("busy", "import time\ndef handler(e, c): time.sleep(e.get('s', 0))\n");
    auto first = begin(function, R"({"s":1})"), second = begin(function, R"({"s":1})");
    EXPECT_EQ(invoke(function).kind, Kind::throttled);
    EXPECT_EQ(invoke(python("other", kHello)).kind, Kind::ok);
    EXPECT_EQ(finish(std::move(first)).kind, Kind::ok);
    EXPECT_EQ(finish(std::move(second)).kind, Kind::ok);
    EXPECT_EQ(invoke(function).kind, Kind::ok);
}

TEST_F(SandboxLifecycle, ARetiredIdleSandboxGoesAtOnce) {
    const auto function = python("leaves", kHello);
    invoke(function);
    EXPECT_EQ(sandboxes(), 1U);
    on_loop([&] { pool().retire(*function); });
    EXPECT_TRUE(all_gone());
}

TEST_F(SandboxLifecycle, ASandboxIdleForTooLongIsRemoved) {
    limits.idle_timeout = std::chrono::milliseconds(50);
    EXPECT_EQ(invoke(python("naps", kHello)).kind, Kind::ok);
    EXPECT_TRUE(all_gone());
}

TEST_F(SandboxLifecycle, ARetiredSandboxFinishesItsInvocationFirst) {
    const auto function =
        python("last", "import time\ndef handler(e, c):\n    time.sleep(.3)\n    return 1\n");
    auto answer = begin(function);
    ASSERT_TRUE(eventually([this] { return pool().count().busy == 1; }));
    on_loop([&] { pool().retire(*function); });
    EXPECT_EQ(finish(std::move(answer)).payload, "1");
    EXPECT_TRUE(all_gone());
}

TEST_F(SandboxLifecycle, InAStormOfFailuresEveryCallerHearsOnceAndNothingStays) {
    const auto function = python("storm", R"(
import os, signal, subprocess, time
def handler(event, context):
    what = event['n'] % 7
    if what == 0: os.kill(os.getpid(), signal.SIGSEGV)
    if what == 1: return len(bytearray(1 << 30))
    if what == 2: time.sleep(100)
    if what == 3: raise KeyError(event['n'])
    if what == 4: subprocess.Popen(['/bin/sleep', '100']); os._exit(1)
    return event['n']
)");
    function->memory_mb = 256;
    function->timeout = std::chrono::seconds(3);
    std::vector<std::future<InvokeResult>> answers;
    for (int n = 0; n < 42; ++n) answers.push_back(begin(function, json{{"n", n}}.dump()));
    for (int n = 0; n < 42; ++n) {
        const InvokeResult result = finish(std::move(answers[static_cast<std::size_t>(n)]));
        EXPECT_NE(result.kind, Kind::host_failure) << result.payload;
        EXPECT_TRUE(n % 7 >= 5 || result.kind == Kind::function_error) << n << " " << result.payload;
    }
    on_loop([&] { pool().retire(*function); });
    EXPECT_TRUE(all_gone());
}

}  // namespace
}  // namespace autotune::host
