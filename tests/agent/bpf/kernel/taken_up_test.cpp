// An executor that waits for work when we come is heard from its first answer on.
#include <gtest/gtest.h>

#include "os/file.hpp"
#include "tests/agent/bpf/kernel/loopback.hpp"
#include "tests/agent/bpf/kernel/python_executor.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

class BpfTakenUp : public ::testing::TestWithParam<const char*> {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }

    int run_python() const {
        const std::string address = "AWS_LAMBDA_RUNTIME_API=127.0.0.1:" + std::to_string(port_);
        const std::string program = std::string(R"(
import http.client, os, select
c = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"], timeout=)") + GetParam() + R"()
c.request("GET", "/2018-06-01/runtime/invocation/next")
r = c.getresponse()
r.read()
c.request("POST", "/2018-06-01/runtime/invocation/" + r.headers["Lambda-Runtime-Aws-Request-Id"] + "/response", b"12345")
c.getresponse().read()
)";
        const char* argv[] = {"/usr/bin/python3", "-c", program.c_str(), nullptr};
        const char* environment[] = {address.c_str(), "AWS_LAMBDA_FUNCTION_NAME=orders", nullptr};
        return execve(argv[0], const_cast<char**>(argv), const_cast<char**>(environment));
    }
    static std::string request(int fd) {
        std::string text;
        char buffer[4096];
        while (text.find("\r\n\r\n") == std::string::npos) {
            const ssize_t n = read(fd, buffer, sizeof buffer);
            if (n <= 0) return text;
            text.append(buffer, static_cast<std::size_t>(n));
        }
        return text;
    }
    // The executor has asked, and sleeps until it is answered.
    static void wait_until_it_waits(pid_t pid) {
        for (int i = 0; i < 5000; ++i) {
            const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat").value_or("");
            if (stat.find(") S ") != std::string::npos) return;
            usleep(1000);
        }
    }

    Fd listener_ = listening();
    std::uint16_t port_ = port_of(listener_.get());
};

void expect_taken_up(const Recorder& r, pid_t pid) {
    const auto started = r.of<InvocationStarted>(pid);
    ASSERT_EQ(started.size(), 1u);
    EXPECT_EQ(started[0].id.view(), kFirst);
    EXPECT_EQ(started[0].request_bytes, 2u);
    ASSERT_EQ(r.of<InvocationEnded>(pid).size(), 1u);
    EXPECT_EQ(r.of<InvocationEnded>(pid)[0].id.view(), kFirst);
}

// With a time limit Python polls before it reads.
INSTANTIATE_TEST_SUITE_P(Waits, BpfTakenUp, ::testing::Values("None", "60"),
                         [](const auto& way) { return std::string(way.param) == "None" ? "InTheRead" : "InAPoll"; });

TEST_P(BpfTakenUp, ByItsCgroupOrByWhatItIs) {
    for (const bool named : {true, false}) {
        SCOPED_TRACE(named ? "named" : "found");
        const OwnCgroup cgroup(named ? "waits-named" : "waits-found");
        WatchedChild child(cgroup, [&] { return run_python(); });
        const Fd connection(accept(listener_.get(), nullptr, nullptr));
        ASSERT_NE(request(connection.get()).find("/next"), std::string::npos);
        wait_until_it_waits(child.pid());
        Recorder r = named ? Recorder({cgroup.path()}) : Recorder(Detail{});
        ASSERT_TRUE(r.poll_until([&] { return !r.of<ExecutorSeen>(child.pid()).empty(); }));
        ASSERT_TRUE(r.source->poll(std::chrono::milliseconds(1), r.batch).has_value());
        ASSERT_TRUE(send_all(connection.get(), std::string("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: ") + kFirst +
                                                   "\r\nContent-Length: 2\r\n\r\n{}"));
        ASSERT_NE(request(connection.get()).find("/response"), std::string::npos);
        ASSERT_TRUE(send_all(connection.get(), "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"));
        EXPECT_EQ(child.wait(), 0);
        ASSERT_TRUE(r.poll_until_exit(child.pid()));
        expect_taken_up(r, child.pid());
    }
}

}  // namespace
}  // namespace autotune::test
