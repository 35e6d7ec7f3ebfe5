// Processes named by their pids: they, their threads and all they start are told; nobody else is.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <atomic>
#include <set>
#include <thread>

#include "os/fd.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

void write_null(std::size_t bytes) {
    const std::string text(bytes, 'x');
    const Fd fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    if (write(fd.get(), text.data(), text.size()) < 0) _exit(9);
}

// A child in the test's own cgroup that waits until it is told to go on.
class NamedChild {
public:
    explicit NamedChild(const std::function<int()>& work) {
        pid_ = fork();
        if (pid_ != 0) return;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (!*go_) usleep(1000);
        _exit(work());
    }
    ~NamedChild() {
        if (status_ < 0) kill(pid_, SIGKILL);
        wait();
    }
    NamedChild(const NamedChild&) = delete;
    NamedChild& operator=(const NamedChild&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    void go() { *go_ = true; }
    int wait() {
        if (status_ < 0) waitpid(pid_, &status_, 0);
        return status_;
    }

private:
    Shared<std::atomic<bool>> go_;
    pid_t pid_ = -1;
    int status_ = -1;
};

class BpfProcessScope : public ::testing::Test {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }

    static std::set<std::int64_t> written_by(const Recorder& r, pid_t pid) {
        std::set<std::int64_t> sizes;
        for (const IoDone& io : r.of<IoDone>(pid))
            if (io.op == IoOp::write && r.text(io.path) == "/dev/null") sizes.insert(io.result);
        return sizes;
    }
};

TEST_F(BpfProcessScope, KnowsAThreadThatIsMovedToAnotherCgroupWhileItSleeps) {
    const OwnCgroup elsewhere("elsewhere");
    NamedChild child([] {
        write_null(11);
        return pause();
    });
    Recorder r(Detail{.processes = {child.pid()}});
    child.go();
    ASSERT_TRUE(r.poll_until([&] { return !written_by(r, child.pid()).empty(); }));
    ASSERT_TRUE(elsewhere.take(child.pid()));
    ASSERT_TRUE(r.source->finish(r.batch));
    EXPECT_EQ(r.of<ThreadTimes>(child.pid()).size(), 1U);
}

TEST_F(BpfProcessScope, TellsEachCallOfAThreadThatIsMovedToAnotherCgroup) {
    const OwnCgroup elsewhere("elsewhere");
    Shared<std::atomic<bool>> moved;
    NamedChild child([&] {
        write_null(11);
        while (!*moved) usleep(1000);
        for (int i = 0; i < 7; ++i) syscall(SYS_getppid);  // nobody decodes it
        return 0;
    });
    Recorder r(Detail{.processes = {child.pid()}, .syscalls = SyscallDetail::each});
    child.go();
    ASSERT_TRUE(r.poll_until([&] { return !written_by(r, child.pid()).empty(); }));
    ASSERT_TRUE(elsewhere.take(child.pid()));
    *moved = true;
    child.wait();
    ASSERT_TRUE(r.poll_until([&] { return r.has_ended; }));
    int told = 0;
    for (const SyscallDone& call : r.of<SyscallDone>(child.pid())) told += call.number == SYS_getppid;
    EXPECT_EQ(told, 7);
}

TEST_F(BpfProcessScope, HoldsThreadsChildrenAndWhatTheyBecome) {
    Shared<pid_t> forked;
    NamedChild child([&] {
        write_null(11);
        std::thread([] { write_null(12); }).join();
        const pid_t pid = fork();
        if (pid == 0) {
            execl("/bin/sh", "sh", "-c", "printf 0123456789abcdef > /dev/null; exit 7", nullptr);
            _exit(1);
        }
        *forked = pid;
        waitpid(pid, nullptr, 0);
        return 3;
    });
    NamedChild stranger([] {
        write_null(14);
        return 0;
    });
    Recorder r(Detail{.processes = {child.pid()}});
    stranger.go();
    stranger.wait();
    child.go();
    child.wait();
    ASSERT_TRUE(r.poll_until([&] { return r.has_ended; }));

    EXPECT_EQ(written_by(r, child.pid()), (std::set<std::int64_t>{11, 12}));
    EXPECT_EQ(written_by(r, *forked), (std::set<std::int64_t>{16}));
    const auto started = r.of<ProcessStarted>(*forked);
    ASSERT_EQ(started.size(), 2u);
    EXPECT_EQ(started[0].parent_pid, child.pid());
    EXPECT_EQ(r.text(started[1].executable), "/bin/sh");
    EXPECT_EQ(r.of<ProcessExited>(*forked).at(0).exit_code, 7);
    EXPECT_EQ(r.of<ProcessExited>(child.pid()).at(0).exit_code, 3);
    std::set<CgroupId> scopes;
    for (const Event& e : r.batch.events) {
        EXPECT_TRUE(e.process.pid == child.pid() || e.process.pid == *forked) << e.process.pid;
        scopes.insert(e.cgroup);
    }
    EXPECT_EQ(scopes.size(), 1u);  // one tree, one account
}

TEST_F(BpfProcessScope, HoldsWhatWasStartedBeforeWeCame) {
    Shared<std::atomic<pid_t>> grandchild;
    Shared<std::atomic<bool>> go;
    NamedChild child([&] {
        const pid_t between = fork();
        if (between == 0) {
            const pid_t last = fork();
            if (last == 0) {
                while (!*go) usleep(1000);
                write_null(15);
                _exit(0);
            }
            *grandchild = last;
            waitpid(last, nullptr, 0);
            _exit(0);
        }
        waitpid(between, nullptr, 0);
        return 0;
    });
    child.go();
    while (*grandchild == 0) usleep(1000);
    Recorder r(Detail{.processes = {child.pid()}});
    *go = true;
    child.wait();
    ASSERT_TRUE(r.poll_until([&] { return r.has_ended; }));
    EXPECT_EQ(written_by(r, *grandchild), (std::set<std::int64_t>{15}));
}

TEST_F(BpfProcessScope, GoesOnWhileAChildOutlivesItsParent) {
    Shared<std::atomic<pid_t>> orphan;
    Shared<std::atomic<bool>> go;
    NamedChild child([&] {
        const pid_t pid = fork();
        if (pid == 0) {
            while (!*go) usleep(1000);
            write_null(17);
            _exit(0);
        }
        *orphan = pid;
        return 0;
    });
    Recorder r(Detail{.processes = {child.pid()}});
    child.go();
    child.wait();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_FALSE(r.has_ended);
    *go = true;
    ASSERT_TRUE(r.poll_until([&] { return r.has_ended; }));
    EXPECT_EQ(written_by(r, *orphan), (std::set<std::int64_t>{17}));
}

TEST_F(BpfProcessScope, LeavesThoseAloneThatAreNoLongerAskedFor) {
    NamedChild first([] {
        write_null(18);
        return 0;
    });
    NamedChild second([] {
        write_null(19);
        return 0;
    });
    Recorder r(Detail{.processes = {first.pid(), second.pid()}});
    ASSERT_TRUE(r.source->focus({.processes = {second.pid()}}));
    first.go();
    first.wait();
    second.go();
    second.wait();
    ASSERT_TRUE(r.poll_until([&] { return r.has_ended; }));
    EXPECT_TRUE(written_by(r, first.pid()).empty());
    EXPECT_EQ(written_by(r, second.pid()), (std::set<std::int64_t>{19}));
}

TEST_F(BpfProcessScope, SaysWhichProcessDoesNotExist) {
    auto source = make_bpf_source();
    ASSERT_TRUE(source) << source.error().message;
    const auto focused = (*source)->focus({.processes = {0x3fffffff}});
    ASSERT_FALSE(focused);
    EXPECT_EQ(focused.error().code, Errc::not_found);
}

}  // namespace
}  // namespace autotune::test
