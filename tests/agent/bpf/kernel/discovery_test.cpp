// Executors that nobody named, and what else is in their cgroup.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "os/file.hpp"
#include "tests/agent/bpf/kernel/fake_runtime_api.hpp"
#include "tests/agent/bpf/kernel/python_executor.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class BpfDiscovery : public ::testing::Test {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }

    // Serves one invocation; nothing but what it says gives it away.
    int execute() {
        char go = 0;
        if (read(go_.read.get(), &go, 1) != 1) return 1;
        const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
        if (connect_to(fd.get(), api_.port()) != 0) return 2;
        if (!send_all(fd.get(), "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n")) return 3;
        char buffer[4096];
        if (read(fd.get(), buffer, sizeof buffer) <= 0) return 4;
        if (read(go_.read.get(), &go, 1) != 1) return 5;
        return 0;
    }
    void let_go() { ASSERT_EQ(write(go_.write.get(), "", 1), 1); }

    static std::string command(const Recorder& r, pid_t pid) {
        std::string found;
        for (const ProcessStarted& s : r.of<ProcessStarted>(pid))
            if (s.command != StringId{}) found = r.text(s.command);
        return found;
    }
    static std::string missing(const Recorder& r) {
        std::string all;
        for (const std::string& line : r.source->health().missing) all += line + "\n";
        return all;
    }

    Pipe go_ = *make_pipe();
    FakeRuntimeApi api_{{{.id = kFirst, .payload = "{}"}}, 1};
};

TEST_F(BpfDiscovery, AnExecutorThatSharesItsCgroupIsNamedAndSoAreItsNeighbours) {
    const OwnCgroup cgroup("shared");
    WatchedChild neighbour(cgroup, [] { return pause(); });
    WatchedChild executor(cgroup, [&] { return execute(); });
    const auto has_joined = [&](pid_t pid) {
        return read_file("/proc/" + std::to_string(pid) + "/cgroup").value_or("").find("-shared\n") != std::string::npos;
    };
    ASSERT_TRUE(wait_until([&] { return has_joined(neighbour.pid()) && has_joined(executor.pid()); }));
    Recorder r(Detail{});
    let_go();
    ASSERT_TRUE(r.poll_until([&] { return !r.of<InvocationStarted>(executor.pid()).empty(); }));
    EXPECT_TRUE(r.poll_until([&] { return !command(r, neighbour.pid()).empty(); }));
    EXPECT_EQ(command(r, executor.pid()), "agent_bpf_kerne");  // a fork of this program
    EXPECT_THAT(missing(r), HasSubstr("process " + std::to_string(executor.pid()) +
                                      ", an executor, shares its cgroup with 1 other process"));
    let_go();
    EXPECT_EQ(executor.wait(), 0);
}

TEST_F(BpfDiscovery, ItsParentAndItsChildrenAreNoStrangers) {
    const OwnCgroup cgroup("family");
    Shared<std::atomic<pid_t>> inner;
    WatchedChild parent(cgroup, [&] {
        const pid_t executor = fork();
        if (executor == 0) {
            const pid_t child = fork();
            if (child == 0) return pause();
            const int status = execute();
            kill(child, SIGKILL);
            waitpid(child, nullptr, 0);
            _exit(status);
        }
        *inner = executor;
        int status = 0;
        waitpid(executor, &status, 0);
        return WEXITSTATUS(status);
    });
    ASSERT_TRUE(wait_until([&] { return *inner != 0; }));
    Recorder r(Detail{});
    let_go();
    ASSERT_TRUE(r.poll_until([&] { return !r.of<InvocationStarted>(*inner).empty(); }));
    EXPECT_TRUE(r.poll_until([&] { return !command(r, parent.pid()).empty(); }));
    EXPECT_THAT(missing(r), Not(HasSubstr("process " + std::to_string(*inner) + ", an executor")));
    let_go();
    EXPECT_EQ(parent.wait(), 0);
}

}  // namespace
}  // namespace autotune::test
