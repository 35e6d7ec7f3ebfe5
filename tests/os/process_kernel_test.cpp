// Real processes in real cgroups.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <optional>

#include "os/cgroup_tree.hpp"
#include "os/file.hpp"
#include "os/pidfd.hpp"
#include "os/process.hpp"
#include "os/warden.hpp"

namespace autotune {
namespace {

using ::testing::HasSubstr;

class ProcessKernel : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root for cgroups";
        layout = detect_cgroup_layout().value();
        Result<CgroupTree> opened = CgroupTree::open(layout, prefix);
        ASSERT_TRUE(opened) << opened.error().message;
        tree.emplace(std::move(*opened));
    }
    void TearDown() override {
        tree.reset();
        if (layout.unified.empty()) return;
        EXPECT_TRUE(remove_cgroup_subtree(layout, prefix));
    }

    static ExitStatus wait(const Child& child) {
        pollfd ended{.fd = child.pidfd.get(), .events = POLLIN, .revents = 0};
        EXPECT_EQ(::poll(&ended, 1, 60'000), 1) << "still running after a minute";
        return reap(child.pidfd).value().value_or(ExitStatus{.code = -1});
    }
    // What the program prints, and how it ends.
    static std::pair<std::string, ExitStatus> run(SpawnOptions options) {
        Pipe pipe = make_pipe().value();
        options.output = pipe.write.get();
        const Result<Child> child = spawn(options);
        pipe.write.close();
        if (!child) return {child.error().message, {.code = -1}};
        std::string text;
        char piece[4096];
        for (ssize_t n; (n = ::read(pipe.read.get(), piece, sizeof piece)) > 0;) {
            text.append(piece, static_cast<std::size_t>(n));
        }
        return {text, wait(*child)};
    }

    const std::string prefix = "autotune-test-" + std::to_string(::getpid());
    CgroupLayout layout;
    std::optional<CgroupTree> tree;
};

TEST_F(ProcessKernel, IsInItsCgroupsFromItsFirstInstruction) {
    const Cgroup group = tree->create("box").value();
    const auto [text, status] = run({.argv = {"/bin/cat", "/proc/self/cgroup"}, .cgroup = &group});
    EXPECT_EQ(status, ExitStatus{});
    const std::string path = ":/" + group.path().string() + "\n";
    EXPECT_THAT(text, HasSubstr("0:" + path));
    for (const Controller c : kControllers) {
        if (layout[c].version != CgroupVersion::v1) continue;
        EXPECT_THAT(text, HasSubstr(std::string(to_string(c)) + path));
    }
}

TEST_F(ProcessKernel, GetsItsEnvironmentDirectoryAndLimitsAndNothingElse) {
    ::setenv("AUTOTUNE_TEST_SECRET", "no", 1);
    const Fd leak(::open("/dev/null", O_RDONLY));  // not close-on-exec
    const auto [text, status] =
        run({.argv = {"/bin/sh", "-c", "pwd; echo $A $AUTOTUNE_TEST_SECRET; ulimit -n; ls /proc/self/fd"},
             .environment = {"A=1", "PATH=/bin"},
             .directory = "/usr",
             .limits = {{RLIMIT_NOFILE, 77}}});
    ::unsetenv("AUTOTUNE_TEST_SECRET");
    EXPECT_EQ(text, "/usr\n1\n77\n0\n1\n2\n3\n");  // 3 is ls's own
    EXPECT_EQ(status, ExitStatus{});
}

TEST_F(ProcessKernel, IgnoredSignalsAreNotInherited) {
    const auto before = ::signal(SIGPIPE, SIG_IGN);
    const auto [text, status] = run({.argv = {"/bin/sh", "-c", "kill -PIPE $$; echo survived"}});
    ::signal(SIGPIPE, before);
    EXPECT_EQ(text, "");
    EXPECT_EQ(status, ExitStatus{.signal = SIGPIPE});
}

TEST_F(ProcessKernel, AnExecutableThatIsNoneIsTheCallersFault) {
    const Result<Child> none = spawn({.argv = {"/no/such"}});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Errc::invalid_argument);
    EXPECT_EQ(none.error().message, "/no/such: No such file or directory");
    EXPECT_EQ(spawn({.argv = {"/etc/passwd"}}).error().message, "/etc/passwd: Permission denied");
    EXPECT_EQ(spawn({.argv = {"/bin/true"}, .directory = "/no/such"}).error().code, Errc::not_found);
}

TEST_F(ProcessKernel, KillingACgroupGetsAllOfItAndThenItCanBeRemoved) {
    Cgroup group = tree->create("box").value();
    const Result<Child> child =
        spawn({.argv = {"/bin/sh", "-c", "sleep 1000 & sleep 1000"}, .cgroup = &group});
    ASSERT_TRUE(child);
    EXPECT_EQ(group.remove().error().code, Errc::conflict);
    EXPECT_TRUE(group.kill_all());
    EXPECT_EQ(wait(*child), ExitStatus{.signal = SIGKILL});
    Status removed = group.remove();
    for (int i = 0; i < 60'000 && !removed; ++i) {  // the last of them may still be on its way out
        ::usleep(1000);
        removed = group.remove();
    }
    EXPECT_TRUE(removed) << removed.error().message;
    EXPECT_FALSE(std::filesystem::exists(group.unified_path()));
}

TEST_F(ProcessKernel, TheKernelsOutOfMemoryKillIsCountedAndAnnounced) {
    Cgroup group = tree->create("box").value();
    ASSERT_TRUE(group.limit_memory(32 << 20));
    const Result<Fd> event = group.watch_oom();
    const auto [text, status] =
        run({.argv = {"/usr/bin/python3", "-c", "x = bytearray(256 << 20)"}, .cgroup = &group});
    EXPECT_EQ(status, ExitStatus{.signal = SIGKILL}) << text;
    EXPECT_GE(group.oom_kills().value(), 1U);
    EXPECT_NEAR(static_cast<double>(group.memory_peak().value()), 32 << 20, 1 << 20);
    if (layout[Controller::memory].version != CgroupVersion::v1) return;
    ASSERT_TRUE(event) << event.error().message;
    std::uint64_t count = 0;
    EXPECT_EQ(::read(event->get(), &count, sizeof count), 8);
    EXPECT_GE(count, 1U);
}

TEST_F(ProcessKernel, TheWatermarkFallsWhenItIsReset) {
    Cgroup group = tree->create("box").value();
    run({.argv = {"/usr/bin/python3", "-c", "x = bytearray(64 << 20)"}, .cgroup = &group});
    EXPECT_GT(group.memory_peak().value(), 64U << 20);
    const Status reset = group.reset_memory_peak();
    if (!reset && reset.error().code == Errc::unsupported) GTEST_SKIP() << "optional: " << reset.error().message;
    EXPECT_LT(group.memory_peak().value(), 32U << 20);
}

TEST_F(ProcessKernel, AWardenThatIsDismissedHarmsNobody) {
    Cgroup group = tree->create("box").value();
    const Result<Child> child = spawn({.argv = {"/bin/sleep", "1000"}, .cgroup = &group});
    { ASSERT_TRUE(Warden::watch_over(group)); }
    EXPECT_FALSE(reap(child->pidfd).value().has_value());
    EXPECT_TRUE(group.kill_all());
    EXPECT_EQ(wait(*child), ExitStatus{.signal = SIGKILL});
}

TEST_F(ProcessKernel, TreesOfTheDeadAreRemovedAndThoseOfTheLivingAreNot) {
    const std::filesystem::path dead = std::filesystem::path(prefix) / "4194305";  // above any pid
    for (const auto& part : {dead, dead / "box"}) {
        for (const Controller c : kControllers) std::filesystem::create_directory(layout[c].mount / part);
        std::filesystem::create_directory(layout.unified / part);
    }
    const Cgroup mine = tree->create("box").value();
    const Result<CgroupTree> second = CgroupTree::open(layout, prefix);
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_NE(second->root().path(), tree->root().path());
    EXPECT_FALSE(std::filesystem::exists(layout.unified / dead));
    EXPECT_FALSE(std::filesystem::exists(layout[Controller::memory].mount / dead));
    EXPECT_TRUE(std::filesystem::exists(mine.unified_path()));
}

}  // namespace
}  // namespace autotune
