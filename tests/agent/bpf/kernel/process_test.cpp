// Processes as the kernel tells them: start, exec, end.
#include <gtest/gtest.h>

#include <atomic>

#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

class BpfProcesses : public ::testing::Test {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }
};

TEST_F(BpfProcesses, TellsForkExecAndExitCode) {
    const OwnCgroup cgroup("processes");
    Recorder r({cgroup.path()});
    Shared<pid_t> grandchild;
    WatchedChild child(cgroup, [&] {
        const pid_t pid = fork();
        if (pid == 0) {
            execl("/bin/sh", "sh", "-c", "exit 7", nullptr);
            _exit(1);
        }
        *grandchild = pid;
        int status = 0;
        waitpid(*grandchild, &status, 0);
        return 3;
    });
    child.wait();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));

    const auto started = r.of<ProcessStarted>(*grandchild);
    ASSERT_EQ(started.size(), 2u);
    EXPECT_EQ(started[0].parent_pid, child.pid());
    EXPECT_EQ(r.text(started[1].command), "sh");
    EXPECT_EQ(r.text(started[1].executable), "/bin/sh");

    const auto ended = r.events_of<ProcessExited>(*grandchild);
    ASSERT_EQ(ended.size(), 1u);
    EXPECT_EQ(std::get<ProcessExited>(ended[0].body).exit_code, 7);
    EXPECT_EQ(ended[0].cgroup, cgroup.id());
    EXPECT_NE(ended[0].process.start_ns, 0u);
    EXPECT_EQ(r.of<ProcessExited>(child.pid()).at(0).exit_code, 3);
    EXPECT_TRUE(r.of<Lost>().empty());
}

TEST_F(BpfProcesses, TellsTheSignalThatKilled) {
    const OwnCgroup cgroup("signal");
    Recorder r({cgroup.path()});
    WatchedChild child(cgroup, [] { return raise(SIGKILL); });
    child.wait();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_EQ(r.of<ProcessExited>(child.pid()).at(0).signal, SIGKILL);
}

TEST_F(BpfProcesses, WatchesCgroupsMadeLaterBelowTheOneAskedFor) {
    OwnCgroup cgroup("subtree");
    Recorder r({cgroup.path()});
    const auto below = cgroup.make_below("sandbox");
    WatchedChild child(cgroup, [&] {
        OwnCgroup::write(below / "cgroup.procs", "0");
        return 0;
    });
    child.wait();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    struct stat s {};
    ASSERT_EQ(stat(below.c_str(), &s), 0);
    EXPECT_EQ(r.events_of<ProcessExited>(child.pid()).at(0).cgroup, CgroupId(s.st_ino));
}

TEST_F(BpfProcesses, LeavesOthersAlone) {
    const OwnCgroup watched("watched");
    const OwnCgroup other("other");
    Recorder r({watched.path()});
    WatchedChild stranger(other, [] { return access("/", F_OK); });
    stranger.wait();
    WatchedChild child(watched, [] { return 0; });
    child.wait();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    for (const Event& e : r.batch.events) EXPECT_NE(e.process.pid, stranger.pid());
}

TEST_F(BpfProcesses, TellsThoseThatRanBefore) {
    const OwnCgroup cgroup("before");
    Shared<std::atomic<int>> stage;
    WatchedChild child(cgroup, [&] {
        *stage = 1;
        while (*stage != 2) usleep(1000);
        return 5;
    });
    while (*stage != 1) usleep(1000);
    Recorder r({cgroup.path()});
    ASSERT_TRUE(r.poll_until([&] { return !r.of<ProcessStarted>(child.pid()).empty(); }));
    EXPECT_EQ(r.of<ProcessStarted>(child.pid()).at(0).parent_pid, getpid());
    *stage = 2;
    child.wait();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_EQ(r.of<ProcessExited>(child.pid()).at(0).exit_code, 5);
}

}  // namespace
}  // namespace autotune::test
