// Invocation boundaries heard in the traffic of executors of different kinds.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/uio.h>

#include <array>

#include "tests/agent/bpf/kernel/fake_runtime_api.hpp"
#include "tests/agent/bpf/kernel/python_executor.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

class BpfInvocations : public ::testing::Test {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }

    static int run_python(const std::string& api, const char* program) {
        const std::string address = "AWS_LAMBDA_RUNTIME_API=" + api;
        const char* argv[] = {"/usr/bin/python3", "-c", program, nullptr};
        const char* environment[] = {address.c_str(),
                                     "AWS_LAMBDA_FUNCTION_NAME=orders",
                                     "AWS_LAMBDA_FUNCTION_VERSION=7",
                                     "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512",
                                     "AWS_EXECUTION_ENV=AWS_Lambda_python3.11",
                                     nullptr};
        return execve(argv[0], const_cast<char**>(argv), const_cast<char**>(environment));
    }
};

TEST_F(BpfInvocations, OfAPythonExecutorAreTimedAndDescribed) {
    const OwnCgroup cgroup("python");
    Recorder r({cgroup.path()});
    using namespace std::chrono_literals;
    constexpr std::array<std::chrono::milliseconds, 2> time_left{90s, 60s};
    FakeRuntimeApi api({{.id = kFirst,
                         .payload = std::string(300, 'p'),
                         .time_left = time_left[0],
                         .qualifier = "live",
                         .pause = 50ms},
                        {.id = kSecond, .payload = "{}", .time_left = time_left[1], .pause = 50ms}},
                       1);
    WatchedChild child(cgroup, [&] { return run_python(api.address(), kPythonExecutor); });
    EXPECT_EQ(child.wait(), 0);
    api.join();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));

    const auto seen = r.of<ExecutorSeen>(child.pid());
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_EQ(r.text(seen[0].function), "orders");
    EXPECT_EQ(r.text(seen[0].version), "7");
    EXPECT_EQ(r.text(seen[0].runtime), "python3.11");
    EXPECT_EQ(seen[0].memory_mb, 512u);

    const auto ready = r.events_of<ExecutorReady>(child.pid());
    const auto started = r.events_of<InvocationStarted>(child.pid());
    const auto ended = r.events_of<InvocationEnded>(child.pid());
    ASSERT_EQ(ready.size(), 2u);
    ASSERT_EQ(started.size(), 2u);
    ASSERT_EQ(ended.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i) {
        // The other side's clock, however long either was held up.
        const FakeRuntimeApi::Times& times = api.times()[i];
        EXPECT_LE(ready[i].at, started[i].at);
        EXPECT_LE(times.given, started[i].at);
        EXPECT_GE(to_ms(ended[i].at - started[i].at), 30);
        EXPECT_LE(ended[i].at, times.posted);
        const Nanos limit = std::get<InvocationStarted>(started[i].body).time_limit;
        EXPECT_GE(limit + (started[i].at - times.asked), time_left[i] - 5ms);
        EXPECT_LE(limit + (started[i].at - times.given), time_left[i] + 5ms);
    }
    const auto& first = std::get<InvocationStarted>(started[0].body);
    EXPECT_EQ(first.id.view(), kFirst);
    EXPECT_EQ(r.text(first.function), "orders");
    EXPECT_EQ(r.text(first.qualifier), "live");
    EXPECT_EQ(r.text(first.trace_id), "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1");
    EXPECT_EQ(first.request_bytes, 300u);

    const auto& good = std::get<InvocationEnded>(ended[0].body);
    EXPECT_EQ(good.id.view(), kFirst);
    EXPECT_EQ(good.kind, EndKind::response);
    EXPECT_EQ(good.response_bytes, 1234u);
    const auto& bad = std::get<InvocationEnded>(ended[1].body);
    EXPECT_EQ(bad.id.view(), kSecond);
    EXPECT_EQ(bad.kind, EndKind::error);
    EXPECT_EQ(r.text(bad.error_type), "Runtime.Oops");
    EXPECT_GT(good.usage.cpu_ns, 0u);
}

TEST_F(BpfInvocations, RuntimeApiTrafficIsNotIo) {
    const OwnCgroup cgroup("control");
    Recorder r({cgroup.path()});
    FakeRuntimeApi api({{.id = kFirst, .payload = "{}"}, {.id = kSecond, .payload = "{}"}}, 1);
    WatchedChild child(cgroup, [&] { return run_python(api.address(), kPythonExecutor); });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_FALSE(r.of<IoDone>(child.pid()).empty());  // the interpreter's own files
    for (const IoDone& io : r.of<IoDone>(child.pid()))
        EXPECT_NE(io.peer, ipv4_endpoint(127, 0, 0, 1, api.port()));
}

TEST_F(BpfInvocations, OfAnExecutorThatWritesInPiecesAreHeard) {
    const OwnCgroup cgroup("pieces");
    Recorder r({cgroup.path()});
    FakeRuntimeApi api({{.id = kFirst, .payload = "{}", .in_pieces = true}}, 1);
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
        if (connect_to(fd.get(), api.port()) != 0) return 1;
        std::string next = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n";
        std::string rest = "Host: x\r\n\r\n";
        std::array<iovec, 2> v{{{next.data(), next.size()}, {rest.data(), rest.size()}}};
        if (writev(fd.get(), v.data(), 2) < 0) return 2;
        std::string answer;
        while (answer.find("\r\n\r\n{}") == std::string::npos) {
            char buffer[4096];
            std::array<iovec, 1> in{{{buffer, sizeof buffer}}};
            msghdr m{};
            m.msg_iov = in.data();
            m.msg_iovlen = 1;
            const ssize_t n = recvmsg(fd.get(), &m, 0);
            if (n <= 0) return 3;
            answer.append(buffer, static_cast<std::size_t>(n));
        }
        std::string post = std::string("POST /2018-06-01/runtime/invocation/") + kFirst +
                           "/response HTTP/1.1\r\ncontent-length: 5\r\n\r\n";
        std::string body = "12345";
        v = {{{post.data(), post.size()}, {body.data(), body.size()}}};
        msghdr m{};
        m.msg_iov = v.data();
        m.msg_iovlen = 2;
        return sendmsg(fd.get(), &m, 0) > 0 ? 0 : 4;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    ASSERT_EQ(r.of<ExecutorReady>(child.pid()).size(), 1u);
    const auto started = r.of<InvocationStarted>(child.pid());
    ASSERT_EQ(started.size(), 1u);
    EXPECT_EQ(started[0].id.view(), kFirst);
    EXPECT_EQ(started[0].request_bytes, 2u);
    const auto ended = r.of<InvocationEnded>(child.pid());
    ASSERT_EQ(ended.size(), 1u);
    EXPECT_EQ(ended[0].response_bytes, 5u);
}

TEST_F(BpfInvocations, FindExecutorsThatNobodyNamed) {
    const OwnCgroup cgroup("discovered");
    Recorder r(Detail{});
    FakeRuntimeApi api({{.id = kFirst, .payload = "{}"}, {.id = kSecond, .payload = "{}"}}, 1);
    WatchedChild child(cgroup, [&] { return run_python(api.address(), kPythonExecutor); });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    ASSERT_EQ(r.of<ExecutorSeen>(child.pid()).size(), 1u);
    EXPECT_EQ(r.of<ExecutorReady>(child.pid()).size(), 2u);
    EXPECT_EQ(r.of<InvocationStarted>(child.pid()).size(), 2u);
    EXPECT_EQ(r.of<InvocationEnded>(child.pid()).size(), 2u);
    EXPECT_EQ(r.of<InitFailed>(child.pid()).size(), 0u);
}

TEST_F(BpfInvocations, AnExecutorThatRanBeforeIsFoundByItsEnvironment) {
    const OwnCgroup cgroup("attached");
    FakeRuntimeApi api({}, 1);
    WatchedChild child(cgroup, [&] { return run_python(api.address(), "import time; time.sleep(60)"); });
    const auto is_python = [&] {
        char comm[32] = {};
        const Fd fd(open(("/proc/" + std::to_string(child.pid()) + "/comm").c_str(), O_RDONLY | O_CLOEXEC));
        return read(fd.get(), comm, sizeof comm - 1) > 0 && std::string(comm).starts_with("python");
    };
    ASSERT_TRUE(wait_until(is_python));
    Recorder r(Detail{});
    ASSERT_TRUE(r.poll_until([&] { return !r.of<ExecutorSeen>(child.pid()).empty(); }));
    EXPECT_EQ(r.text(r.of<ExecutorSeen>(child.pid()).at(0).function), "orders");
    kill(child.pid(), SIGTERM);
    child.wait();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));  // its cgroup is watched by now
    EXPECT_EQ(r.of<ProcessExited>(child.pid()).at(0).signal, SIGTERM);
    EXPECT_TRUE(r.of<InitFailed>(child.pid()).empty());
}

TEST_F(BpfInvocations, AFailedInitIsUrgent) {
    const OwnCgroup cgroup("init");
    Recorder r({cgroup.path()});
    FakeRuntimeApi api({}, 1);
    constexpr const char* program = R"(
import http.client, os, time
c = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
c.request("POST", "/2018-06-01/runtime/init/error", b"{}", {"Lambda-Runtime-Function-Error-Type": "Runtime.ImportModuleError"})
c.getresponse().read()
raise SystemExit(1)
)";
    WatchedChild child(cgroup, [&] { return run_python(api.address(), program); });
    ASSERT_TRUE(r.poll_until([&] { return r.was_urgent; }));
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const auto failed = r.of<InitFailed>(child.pid());
    ASSERT_EQ(failed.size(), 1u);  // its end is not told as a second failure
    EXPECT_EQ(r.text(failed[0].error_type), "Runtime.ImportModuleError");
}

TEST_F(BpfInvocations, AnExecutorThatDiesAtOnceIsNamedAndItsInitFailed) {
    const OwnCgroup cgroup("early");
    Recorder r({cgroup.path()});
    WatchedChild child(cgroup, [&] { return run_python("127.0.0.1:9", "import os; os._exit(3)"); });
    child.wait();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    ASSERT_EQ(r.of<ExecutorSeen>(child.pid()).size(), 1u);
    EXPECT_EQ(r.text(r.of<ExecutorSeen>(child.pid())[0].function), "orders");
    ASSERT_EQ(r.of<InitFailed>(child.pid()).size(), 1u);
    EXPECT_EQ(r.text(r.of<InitFailed>(child.pid())[0].error_type), "Runtime.ExitError");
}

}  // namespace
}  // namespace autotune::test
