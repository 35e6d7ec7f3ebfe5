// The kernel's OOM kill, in a memory cgroup of the test's own: told at once, with the victim and the limit.
#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "os/file.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

constexpr std::uint64_t kLimit = 32u << 20;

class BpfOom : public ::testing::Test {
protected:
    void SetUp() override {
        AUTOTUNE_NEEDS_BPF();
        cgroup_ = std::make_unique<OwnCgroup>("oom", std::vector{Controller::memory});
        if (!cgroup_->has(Controller::memory)) GTEST_SKIP() << "no memory controller";
        ASSERT_TRUE(cgroup_->limit_memory(kLimit));
    }
    // Touches memory until it is killed.
    static int hog() {
        for (;;) {
            void* more = mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (more == MAP_FAILED) return 1;
            std::memset(more, 1, 1 << 20);
        }
    }
    // What the source sleeps in between two looks at its records: the one edge-triggered epoll of this process.
    // -1: it has none.
    static int bed_of_the_source() {
        for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
            const std::string fd = entry.path().filename();
            if (read_file("/proc/self/fdinfo/" + fd).value_or("").find("events: 80000019 ") != std::string::npos)
                return std::atoi(fd.c_str());
        }
        return -1;
    }
    std::unique_ptr<OwnCgroup> cgroup_;
};

TEST_F(BpfOom, IsToldAtOnceWithPeakAndLimit) {
    Recorder r({cgroup_->path()});
    const int bed = bed_of_the_source();
    ASSERT_GE(bed, 0);
    epoll_event event{};
    epoll_wait(bed, &event, 1, 0);  // of what was there before
    WatchedChild child(*cgroup_, [] { return hog(); });
    // Nobody looks now and then: only what is urgent may end it.
    ASSERT_EQ(epoll_wait(bed, &event, 1, 60'000), 1) << "nobody was woken";
    ASSERT_TRUE(r.poll_until([&] { return !r.of<Killed>(child.pid()).empty(); }));
    EXPECT_TRUE(r.was_urgent);
    const Event killed = r.events_of<Killed>(child.pid()).at(0);
    EXPECT_EQ(killed.cgroup, cgroup_->id());
    const auto& body = std::get<Killed>(killed.body);
    EXPECT_EQ(body.reason, KillReason::out_of_memory);
    EXPECT_EQ(body.victim_pid, child.pid());
    EXPECT_EQ(body.memory_limit, kLimit);
    EXPECT_NEAR(static_cast<double>(body.memory_peak), kLimit, 1 << 20);
    EXPECT_EQ(WTERMSIG(child.wait()), SIGKILL);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_EQ(r.of<ProcessExited>(child.pid()).at(0).signal, SIGKILL);
}

TEST_F(BpfOom, NamesTheGrandchildWhenItsParentLivesOn) {
    Recorder r({cgroup_->path()});
    Shared<pid_t> victim;
    WatchedChild child(*cgroup_, [&] {
        const pid_t pid = fork();
        if (pid == 0) _exit(hog());
        *victim = pid;
        int status = 0;
        waitpid(pid, &status, 0);
        return 0;
    });
    EXPECT_EQ(child.wait(), 0);  // the exit code hides it
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    ASSERT_EQ(r.of<Killed>().size(), 1u);
    EXPECT_EQ(r.of<Killed>()[0].victim_pid, *victim);
}

}  // namespace
}  // namespace autotune::test
