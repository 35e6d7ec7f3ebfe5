#include "host/sandbox/log.hpp"

#include <gtest/gtest.h>

#include "os/file.hpp"
#include "tests/host/sandbox/scratch.hpp"

namespace autotune::host {
namespace {

class StoppedClock final : public Clock {
public:
    [[nodiscard]] Timestamp now() const override { return from_ns(0); }
    [[nodiscard]] WallTime wall() const override { return WallTime(std::chrono::hours(24)); }
};

class SandboxLogTest : public ::testing::Test {
protected:
    SandboxLog open() { return SandboxLog::open(clock_, file_).value(); }
    std::string text() { return read_file(file_).value(); }

    StoppedClock clock_;
    Scratch scratch_;
    std::filesystem::path file_ = scratch_.path() / "a/b/stream";
};

constexpr auto kStamp = "1970-01-02T00:00:00.000Z ";

TEST_F(SandboxLogTest, OldLogsGoAndYoungOnesStay) {
    const auto old = scratch_.path() / "logs/f/2026/old";
    const auto young = scratch_.path() / "logs/g/2026/young";
    for (const auto& file : {old, young}) write_text(file, "x");
    std::filesystem::last_write_time(old, std::filesystem::file_time_type::clock::now() - std::chrono::hours(200));
    remove_old_logs(scratch_.path() / "logs", std::chrono::hours(168));
    EXPECT_FALSE(std::filesystem::exists(scratch_.path() / "logs/f"));
    EXPECT_TRUE(std::filesystem::exists(young));
    remove_old_logs(scratch_.path() / "nowhere", std::chrono::hours(1));  // no logs yet
}

TEST_F(SandboxLogTest, StampsLinesInTheFileButNotInTheTail) {
    SandboxLog log = open();
    log.append("one\ntwo\n");
    EXPECT_EQ(text(), std::string(kStamp) + "one\n" + kStamp + "two\n");
    EXPECT_EQ(log.tail(), "one\ntwo\n");
}

TEST_F(SandboxLogTest, ALineInPiecesIsStampedOnce) {
    SandboxLog log = open();
    log.append("on");
    log.append("");
    log.append("e\n");
    EXPECT_EQ(text(), std::string(kStamp) + "one\n");
}

TEST_F(SandboxLogTest, ThePlatformsLinesBeginOnALineOfTheirOwn) {
    SandboxLog log = open();
    log.append("no newline");
    log.append_line("END\n");
    EXPECT_EQ(log.tail(), "no newline\nEND\n");
}

TEST_F(SandboxLogTest, TheTailIsTheLastFourKibibytes) {
    SandboxLog log = open();
    for (int i = 0; i < 5000; ++i) log.append("0123456789");
    log.append(std::string(10'000, 'x') + "end");
    EXPECT_EQ(log.tail().size(), SandboxLog::kTail);
    EXPECT_EQ(log.tail(), std::string(4093, 'x') + "end");
    log.clear_tail();
    EXPECT_EQ(log.tail(), "");
}

TEST_F(SandboxLogTest, WhatTheDiskDoesNotTakeIsCounted) {
    SandboxLog log = SandboxLog::open(clock_, "/dev/full").value();
    log.append("lost\n");
    EXPECT_EQ(log.bytes_lost(), std::string(kStamp).size() + 5);
    EXPECT_EQ(log.tail(), "lost\n");
}

TEST(LogStreamName, IsTheOneOfCloudWatch) {
    EXPECT_EQ(log_stream_name(WallTime(std::chrono::hours(24)), "$LATEST", "abc"), "1970/01/02/[$LATEST]abc");
}

}  // namespace
}  // namespace autotune::host
