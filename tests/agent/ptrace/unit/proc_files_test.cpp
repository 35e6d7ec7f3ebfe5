#include "agent/ptrace/proc_files.hpp"

#include <gtest/gtest.h>

#include "agent/ptrace/descriptors.hpp"

namespace autotune::ptrace {
namespace {

TEST(Stat, IsReadBehindANameThatHoldsAnything) {
    const auto stat = parse_stat(
        "12 (a) b (c) S 34 12 12 0 -1 4194560 100 0 7 0 20 30 0 0 20 0 1 0 5000 1 2 3 4 5 6 7 8 9");
    ASSERT_TRUE(stat);
    EXPECT_EQ(stat->parent, 34);
    EXPECT_EQ(stat->minor_faults, 100U);
    EXPECT_EQ(stat->major_faults, 7U);
    EXPECT_EQ(stat->cpu_ticks, 50U);
    EXPECT_EQ(stat->start_ticks, 5000U);
}

TEST(Stat, ThatIsCutIsRefused) {
    EXPECT_FALSE(parse_stat(""));
    EXPECT_FALSE(parse_stat("12 (a"));
    EXPECT_FALSE(parse_stat("12 (a) S 34 12"));
}

TEST(SchedStat, HasRunningAndWaiting) {
    const auto sums = parse_schedstat("1000 200 3\n");
    ASSERT_TRUE(sums);
    EXPECT_EQ(sums->on_cpu, Nanos(1000));
    EXPECT_EQ(sums->run_queue, Nanos(200));
    EXPECT_FALSE(parse_schedstat("1000"));
    EXPECT_FALSE(parse_schedstat("x y z"));
}

TEST(Status, GivesNumbersByName) {
    EXPECT_EQ(status_number("Name:\tPPid: 3\nPPid:\t17\nVmHWM:\t  2048 kB\n", "PPid"), 17U);
    EXPECT_EQ(status_number("Name:\tx\nVmHWM:\t  2048 kB\n", "VmHWM"), 2048U);
    EXPECT_FALSE(status_number("Name:\tx\n", "VmHWM"));
}

TEST(CgroupFile, HasOnePathAController) {
    constexpr std::string_view text = "5:cpu,memory:/a\n0::/b\n";
    EXPECT_EQ(unified_path(text), "/b");
    EXPECT_EQ(controller_path(text, "memory"), "/a");
    EXPECT_FALSE(controller_path(text, "mem"));
}

TEST(EpollInfo, HasWhatTheProgramGaveWithADescriptor) {
    constexpr std::string_view text = "pos:\t0\nflags:\t02\ntfd:        5 events:       19 data:                5  pos:0\n"
                                      "tfd:        7 events:       19 data:     5566aabb0010  pos:0 ino:1 sdev:2\n";
    EXPECT_EQ(epoll_data(text, 5), 5U);
    EXPECT_EQ(epoll_data(text, 7), 0x5566aabb0010U);
    EXPECT_FALSE(epoll_data(text, 6));
    EXPECT_FALSE(epoll_data("tfd: 7 events: 1 data: zz\ntfd: 7", 7));
}

TEST(UnixName, IsAPathOrAbstract) {
    using namespace std::string_view_literals;
    EXPECT_EQ(unix_name(""), "");
    EXPECT_EQ(unix_name("/run/x\0junk"sv), "/run/x");
    EXPECT_EQ(unix_name("\0abc"sv), "@abc");
    EXPECT_EQ(unix_name("\0"sv), "@");
}

TEST(Descriptors, AreForgottenWithTheirNumbers) {
    Descriptors all;
    for (const int fd : {3, 4, 5}) all.opened(fd, "/x");
    all.closed(4, 4);
    EXPECT_TRUE(all.find(3));
    EXPECT_FALSE(all.find(4));
    all.closed(4, -1);
    EXPECT_FALSE(all.find(5));
}

TEST(Descriptors, OfACopyHaveNoConversationOfTheirOwn) {
    Descriptors all;
    all.opened(3, "/x");
    all.find(3)->control = Control{.awaiting = true};
    all.duplicated(3, 9);
    EXPECT_FALSE(all.find(9)->control);
    EXPECT_FALSE(all.for_child().find(3)->control);
    EXPECT_TRUE(all.find(3)->control);
}

}  // namespace
}  // namespace autotune::ptrace
