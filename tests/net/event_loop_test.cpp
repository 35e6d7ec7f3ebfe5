#include "net/event_loop.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <thread>

namespace autotune::net {
namespace {

using std::chrono::milliseconds;

TEST(EventLoop, RunsTasksInOrderOnItsOwnThread) {
    EventLoop loop;
    std::string order;
    std::thread other([&] {
        loop.post([&] { order += 'a'; });
        loop.post([&] { order += 'b'; });
        loop.post([&] { loop.stop(); });
    });
    loop.run();
    other.join();
    EXPECT_EQ(order, "ab");
}

TEST(EventLoop, ReturnsAtOnceWhenStoppedBefore) {
    EventLoop loop;
    loop.stop();
    loop.run();
}

TEST(Timer, RunsAtItsTimeAndInOrderOfExpiry) {
    EventLoop loop;
    std::string order;
    const auto late = loop.after(milliseconds(30), [&] {
        order += "late";
        loop.stop();
    });
    const auto early = loop.after(milliseconds(5), [&] { order += "early "; });
    loop.run();
    EXPECT_EQ(order, "early late");
}

TEST(Timer, DoesNotRunAfterItsHandleHasGone) {
    EventLoop loop;
    bool ran = false;
    {
        const auto dropped = loop.after(milliseconds(1), [&] { ran = true; });
    }
    auto cancelled = loop.after(milliseconds(1), [&] { ran = true; });
    cancelled.cancel();
    auto replaced = loop.after(milliseconds(1), [&] { ran = true; });
    replaced = loop.after(milliseconds(20), [&] { loop.stop(); });
    loop.run();
    EXPECT_FALSE(ran);
}

TEST(Timer, CancelsAnotherThatExpiresAtTheSameInstant) {
    EventLoop loop;
    int ran = 0;
    EventLoop::Timer first, second;
    // Both are due before the loop runs: whichever is first takes the other back.
    first = loop.after(milliseconds(0), [&] { ++ran, second.cancel(); });
    second = loop.after(milliseconds(0), [&] { ++ran, first.cancel(); });
    const auto end = loop.after(milliseconds(10), [&] { loop.stop(); });
    loop.run();
    EXPECT_EQ(ran, 1);
}

TEST(Timer, MayDestroyItselfWhileItRuns) {
    EventLoop loop;
    std::optional<EventLoop::Timer> timer;
    timer = loop.after(milliseconds(1), [&] {
        timer.reset();
        loop.stop();
    });
    loop.run();
    EXPECT_FALSE(timer);
}

class WatchTest : public testing::Test {
protected:
    void SetUp() override { ASSERT_EQ(::pipe2(pipe_.data(), O_CLOEXEC | O_NONBLOCK), 0); }
    void TearDown() override {
        for (const int fd : pipe_) ::close(fd);
    }
    void write(std::string_view bytes) {
        ASSERT_EQ(::write(pipe_[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    }
    std::string read(std::size_t most) {
        std::string bytes(most, '\0');
        const auto n = ::read(pipe_[0], bytes.data(), most);
        bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return bytes;
    }
    EventLoop loop_;
    std::array<int, 2> pipe_{};
};

TEST_F(WatchTest, RunsAsLongAsThereIsSomethingToRead) {
    std::string got;
    const auto watch = loop_.when_readable(pipe_[0], [&] {
        got += read(1);  // one at a time: it must be told again of the rest
        if (got == "abcde") loop_.stop();
        if (got == "abc") write("de");
    });
    write("abc");
    loop_.run();
    EXPECT_EQ(got, "abcde");
}

TEST_F(WatchTest, SeesWhatWasThereBefore) {
    write("x");
    const auto watch = loop_.when_readable(pipe_[0], [&] { loop_.stop(); });
    loop_.run();
}

TEST_F(WatchTest, MayEndItselfAndLeavesTheDescriptorOpen) {
    int runs = 0;
    std::optional<EventLoop::Watch> watch;
    watch = loop_.when_readable(pipe_[0], [&] {
        ++runs;
        watch.reset();
    });
    write("x");
    const auto end = loop_.after(milliseconds(20), [&] { loop_.stop(); });
    loop_.run();
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(read(1), "x");
}

TEST_F(WatchTest, AnEndedWatchCanBeFollowedByAnother) {
    bool first_ran = false;
    auto watch = loop_.when_readable(pipe_[0], [&] { first_ran = true; });
    watch = EventLoop::Watch();
    watch = loop_.when_readable(pipe_[0], [&] { loop_.stop(); });
    write("x");
    loop_.run();
    EXPECT_FALSE(first_ran);
}

TEST_F(WatchTest, RefusesADescriptorThatIsNone) {
    EXPECT_DEATH((void)loop_.when_readable(-1, [] {}), "when_readable");
}

}  // namespace
}  // namespace autotune::net
