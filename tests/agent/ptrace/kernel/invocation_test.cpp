// Invocation boundaries, heard in an executor's own traffic, as an unprivileged user has them too.
#include <gtest/gtest.h>

#include "agent/ptrace/ptrace_source.hpp"
#include "tests/agent/bpf/kernel/fake_runtime_api.hpp"
#include "tests/agent/bpf/kernel/python_executor.hpp"

namespace autotune::test {
namespace {

TEST(PtraceInvocations, OfAPythonExecutorAreDescribed) {
    FakeRuntimeApi api({{.id = kFirst, .payload = std::string(300, 'p'), .qualifier = "live"},
                        {.id = kSecond, .payload = "{}"}},
                       1);
    auto source = make_ptrace_source({.command = {"/usr/bin/python3", "-c", kPythonExecutor},
                                      .environment = std::vector<std::string>{
                                          "AWS_LAMBDA_RUNTIME_API=" + api.address(),
                                          "AWS_LAMBDA_FUNCTION_NAME=orders", "AWS_LAMBDA_FUNCTION_VERSION=7",
                                          "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512"}});
    ASSERT_TRUE((*source)->start());
    EventBatch batch;
    while ((*source)->poll(std::chrono::seconds(1), batch)->state != PollState::ended) {
    }
    EXPECT_EQ((*source)->exit_status(), ExitStatus{});

    std::vector<Event> ready, started, ended, seen;
    std::int64_t to_api = 0;
    for (const Event& event : batch.events) {
        if (std::holds_alternative<ExecutorSeen>(event.body)) seen.push_back(event);
        if (std::holds_alternative<ExecutorReady>(event.body)) ready.push_back(event);
        if (std::holds_alternative<InvocationStarted>(event.body)) started.push_back(event);
        if (std::holds_alternative<InvocationEnded>(event.body)) ended.push_back(event);
        const auto* io = std::get_if<IoDone>(&event.body);
        if (io && io->peer.port == api.port() && io->result > 0) to_api += io->result;
    }
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(std::get<ExecutorSeen>(seen[0].body).memory_mb, 512U);
    ASSERT_EQ(ready.size(), 2U);
    ASSERT_EQ(started.size(), 2U);
    ASSERT_EQ(ended.size(), 2U);
    for (int i = 0; i < 2; ++i) {
        EXPECT_LE(ready[i].at, started[i].at);
        EXPECT_LE(started[i].at, ended[i].at);
    }
    const auto& first = std::get<InvocationStarted>(started[0].body);
    EXPECT_EQ(first.id.view(), kFirst);
    EXPECT_EQ(batch.tables.strings[first.function], "orders");
    EXPECT_EQ(batch.tables.strings[first.qualifier], "live");
    EXPECT_EQ(first.request_bytes, 300U);
    EXPECT_GT(first.usage.cpu_ns, 0U);
    EXPECT_GT(first.usage.memory_peak, 0U);
    const auto& good = std::get<InvocationEnded>(ended[0].body);
    EXPECT_EQ(good.id.view(), kFirst);
    EXPECT_EQ(good.kind, EndKind::response);
    EXPECT_EQ(good.response_bytes, 1234U);
    EXPECT_GE(good.usage.cpu_ns, first.usage.cpu_ns);
    const auto& bad = std::get<InvocationEnded>(ended[1].body);
    EXPECT_EQ(bad.id.view(), kSecond);
    EXPECT_EQ(bad.kind, EndKind::error);
    EXPECT_EQ(batch.tables.strings[bad.error_type], "Runtime.Oops");
    EXPECT_EQ(to_api, 0) << "the conversation with the platform is not the function's I/O";
}

}  // namespace
}  // namespace autotune::test
