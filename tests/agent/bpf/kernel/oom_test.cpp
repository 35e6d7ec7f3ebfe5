// The kernel's OOM kill, in a memory cgroup of the test's own: told at once, with the victim and the limit.
#include <gtest/gtest.h>

#include <cstring>

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
    std::unique_ptr<OwnCgroup> cgroup_;
};

TEST_F(BpfOom, IsToldWithinFiftyMillisecondsWithPeakAndLimit) {
    Recorder r({cgroup_->path()});
    WatchedChild child(*cgroup_, [] { return hog(); });
    std::optional<Poll> told;
    ASSERT_TRUE(r.poll_until([&] {
        // A long wait: only an urgent record may end it.
        const auto p = r.source->poll(std::chrono::milliseconds(500), r.batch);
        if (p && !r.of<Killed>(child.pid()).empty() && !told) told = *p;
        return told.has_value();
    }));
    const Timestamp heard = r.clock.now();
    const Event killed = r.events_of<Killed>(child.pid()).at(0);
    EXPECT_LT(to_ms(heard - killed.at), 50);
    EXPECT_TRUE(told->urgent);
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
