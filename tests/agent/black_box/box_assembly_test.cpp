#include "agent/black_box/box_assembly.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstring>

namespace autotune::black_box {
namespace {

at_box_dying dying_with(std::uint32_t made) {
    at_box_dying dying{.head = {.at_ns = 1'000'000}, .calls_made = made};
    for (std::uint32_t i = 0; i < made; ++i)
        dying.calls[i % AT_BOX_CALLS] = {.at_ns = 1000 + i, .result = i, .number = SYS_close, .tid = 5};
    return dying;
}

TEST(BoxCalls, AreTheLastOnesTheOldestFirst) {
    const auto few = calls_of(dying_with(3));
    ASSERT_EQ(few.size(), 3u);
    EXPECT_EQ(few[0].result, 0);
    EXPECT_EQ(few[0].before, Nanos(999'000));
    const auto many = calls_of(dying_with(AT_BOX_CALLS + 10));
    ASSERT_EQ(many.size(), std::size_t{AT_BOX_CALLS});
    EXPECT_EQ(many.front().result, 10);
    EXPECT_EQ(many.back().result, AT_BOX_CALLS + 9);
}

TEST(BoxCalls, SayPathsAddressesAndWhatTheKillInterrupted) {
    at_box_dying dying = dying_with(3);
    dying.calls[0].number = SYS_openat;
    std::strcpy(dying.calls[0].text, "/etc/hosts");
    dying.calls[1].number = SYS_connect;
    const sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(80), .sin_addr = {htonl(0x7f000001)}, .sin_zero = {}};
    std::memcpy(dying.calls[1].text, &to, sizeof to);
    dying.calls[2].number = SYS_read;
    dying.calls[2].result = -512;
    const auto calls = calls_of(dying);
    EXPECT_EQ(calls[0].text, "/etc/hosts");
    EXPECT_EQ(calls[1].text, "127.0.0.1:80");
    EXPECT_FALSE(calls[1].interrupted);
    EXPECT_TRUE(calls[2].interrupted);
    EXPECT_EQ(calls[2].text, "");
}

TEST(BoxFiles, AreSaidAsPeopleKnowThem) {
    OpenFiles files;
    at_box_file path{.fd = 3, .position = 7, .mode = S_IFREG};
    std::memcpy(path.path, "c.txt\0b\0a", 10);
    at_box_file pipe{.fd = 4, .inode = 99, .mode = S_IFIFO};
    at_box_file tcp{.fd = 5, .mode = S_IFSOCK, .state = TCP_ESTABLISHED, .type = SOCK_STREAM};
    tcp.local = {.address = {127, 0, 0, 1}, .port = 80, .family = AF_INET};
    tcp.peer = {.address = {127, 0, 0, 1}, .port = 81, .family = AF_INET};
    at_box_file poll{.fd = 6};
    std::strcpy(poll.path, "[eventpoll]");
    at_box_file endless{.fd = 7, .mode = S_IFREG};
    std::memset(endless.path, 'x', sizeof endless.path);
    files.files = {path, pipe, tcp, poll, endless};
    const auto told = files_of(files);
    ASSERT_EQ(told.size(), 5u);
    EXPECT_EQ(told[0].what, "/a/b/c.txt");
    EXPECT_EQ(told[0].position, 7u);
    EXPECT_EQ(told[1].what, "pipe 99");
    EXPECT_EQ(told[2].what, "tcp 127.0.0.1:80 -> 127.0.0.1:81 established");
    EXPECT_EQ(told[3].what, "[eventpoll]");
    EXPECT_EQ(told[4].what, "/");
}

TEST(BoxOfADeath, BlamesWhoWantedThePageElseWhoCrashedElseTheFirstThread) {
    at_box_dying dying{.head = {.pid = 10, .tid = 12}, .signal = SIGKILL, .out_of_memory = 1, .wanted_by = 11};
    EXPECT_EQ(box_of(dying, {}).culprit_thread, 11);
    EXPECT_TRUE(box_of(dying, {}).out_of_memory);
    dying.wanted_by = 0;
    EXPECT_EQ(box_of(dying, {}).culprit_thread, 10);
    dying.signal = SIGSEGV;
    EXPECT_EQ(box_of(dying, {}).culprit_thread, 12);
}

}  // namespace
}  // namespace autotune::black_box
