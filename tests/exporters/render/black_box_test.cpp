#include "exporters/render/black_box.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>

namespace autotune::render {
namespace {

BlackBox a_box() {
    return {.invocation = "3495038e",
            .function = "orders",
            .version = "3",
            .status = "oom",
            .process = {4711, 99},
            .cgroup = CgroupId{77},
            .command = "bootstrap",
            .at = from_ns(123),
            .wall = WallTime(std::chrono::seconds(1'700'000'000)),
            .signal = SIGKILL,
            .out_of_memory = true,
            .culprit_thread = 4711,
            .threads = {{.id = 4711,
                         .name = "bootstrap",
                         .frames = {{.name = "memset", .module = "/usr/lib/libc.so.6", .kind = FrameKind::native},
                                    {.name = "grow", .file = "/srv/handler.py", .line = 12, .kind = FrameKind::python}},
                         .truncated = true,
                         .in_call = SYS_read,
                         .arguments = {3, 0x7fff0000, 4096, 0, 0, 0}}},
            .threads_alive = 2,
            .calls = {{.before = Nanos(2'000'000), .thread = 4711, .number = SYS_openat, .arguments = {0xffffff9c, 1, 0, 0, 9, 9},
                       .text = "/etc/\x1b[2Jhosts", .result = -2},
                      {.before = Nanos(1), .thread = 4711, .number = SYS_read, .arguments = {3}, .text = {}, .result = -512,
                       .interrupted = true}},
            .files = {{.fd = 3, .what = "tcp 127.0.0.1:1 -> 127.0.0.1:2 established", .position = 0, .flags = 2}},
            .more_files = 1,
            .memory = {.group_now = 128 << 20, .group_limit = 128 << 20, .anonymous = 100 << 20, .files = 1 << 20, .shared = 0,
                       .swapped = 0, .mappings = {{.what = "[heap]", .count = 1, .size = 90 << 20, .resident = 80 << 20,
                                                   .anonymous = 80 << 20, .swapped = 0}},
                       .mappings_before = Nanos(3'000'000), .mappings_at = 80 << 20},
            .records_lost = 1};
}

TEST(BlackBoxJson, GivesTheSameBoxAgain) {
    const std::string json = black_box_json(a_box());
    const auto again = black_box_from(json);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(black_box_json(*again), json);
    EXPECT_EQ(black_box_text(*again), black_box_text(a_box()));
}

TEST(BlackBoxJson, RefusesWhatIsNone) {
    for (const char* text : {"", "{", "[]", "{}", "{\"invocation\": 7}", "null"}) EXPECT_FALSE(black_box_from(text)) << text;
}

TEST(BlackBoxText, SaysWhatKilledItWhereItWasAndWhatItHadAsked) {
    const std::string text = black_box_text(a_box());
    for (const char* words : {"orders version 3: killed by the kernel for want of memory", "invocation 3495038e",
                              "culprit    /srv/handler.py:12 in grow", "thread 4711 bootstrap, in read(3, 0x7fff0000, 4096)",
                              "<-- the culprit", "(its stack is not whole)", "1 more threads", "-1 ENOENT", "interrupted by the kill",
                              "openat(-100, 1, 0, 0)", "127.0.0.1:2 established", "128.0 MB of 128.0 MB",
                              "3.000 ms before the kill", "[heap]", "1 records of it were lost"})
        EXPECT_NE(text.find(words), std::string::npos) << words << " in\n" << text;
    EXPECT_EQ(text.find('\x1b'), std::string::npos) << "what a program opened must not reach the terminal";
}

}  // namespace
}  // namespace autotune::render
