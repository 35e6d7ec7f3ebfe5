#include "agent/runtime/runtime_source.hpp"

#include <csignal>
#include <thread>

#include "tests/agent/runtime/ring_child.hpp"

namespace autotune {
namespace {

using testing::RingChild;

class RuntimeSourceTest : public testing::RingStory {};

TEST_F(RuntimeSourceTest, TellsEachCallOfAProcessThatIsGoneBeforeAnybodyLooked) {
    const pid_t child = start([] {
        const __u64 handler = RingChild::name("handler"), helper = RingChild::name("helper");
        RingChild::enter(handler);
        for (int i = 0; i < 1000; ++i) RingChild::call(helper);
        RingChild::leave(handler);
    });
    reap(child);
    read_all();

    const auto calls = all<CallDone>();
    ASSERT_EQ(calls.size(), 1001u);
    EXPECT_EQ(name_of(calls.front().function), "helper");
    EXPECT_EQ(calls.front().depth, 1u);
    EXPECT_EQ(name_of(calls.back().function), "handler");
    EXPECT_EQ(calls.back().how, CallEnd::returned);
    EXPECT_GE(calls.back().duration, calls.front().duration);
    const Frame& frame = batch_.tables.frames[calls.back().function];
    EXPECT_EQ(batch_.tables.strings[frame.file], "app.py");
    EXPECT_EQ(frame.line, 7u);
    EXPECT_EQ(frame.kind, FrameKind::python);
    EXPECT_EQ(total_calls("helper"), 1000u);
    EXPECT_EQ(total_calls("handler"), 1u);
    EXPECT_TRUE(all<Lost>().empty());
    EXPECT_EQ(batch_.events.front().process.pid, child);
    EXPECT_EQ(batch_.events.front().thread, ThreadId{child});
    EXPECT_FALSE(has_rings()) << "what was read is removed";
}

TEST_F(RuntimeSourceTest, TimesLieBetweenTheChildsBeginAndItsEnd) {
    const Timestamp before = SystemClock().now();
    reap(start([] { RingChild::call(RingChild::name("f")); }));
    const Timestamp after = SystemClock().now();
    read_all();
    ASSERT_EQ(all<CallDone>().size(), 1u);
    // Two readings of two clocks and a rate from a few milliseconds: some microseconds.
    EXPECT_GE(batch_.events.front().at, before - std::chrono::microseconds(100));
    EXPECT_LE(batch_.events.front().at, after + std::chrono::microseconds(100));
}

TEST_F(RuntimeSourceTest, CallsThatAKilledProcessHadOpenAreCut) {
    reap(start([] {
        const __u64 outer = RingChild::name("outer"), inner = RingChild::name("inner");
        RingChild::enter(outer);
        RingChild::enter(outer);
        RingChild::enter(inner);
        raise(SIGKILL);
    }));
    read_all();
    const auto calls = all<CallDone>();
    ASSERT_EQ(calls.size(), 3u);
    EXPECT_EQ(name_of(calls[0].function), "inner");
    EXPECT_EQ(calls[0].depth, 2u);
    EXPECT_EQ(calls[0].how, CallEnd::cut);
    EXPECT_GE(calls[2].duration, calls[0].duration);
    EXPECT_EQ(total_calls("outer"), 2u);
    Nanos self{0}, total{0};
    for (const CallTotals& totals : all<CallTotals>()) {
        self += totals.self;
        if (name_of(totals.function) == "outer") total += totals.total;
    }
    EXPECT_EQ(total, calls[2].duration) << "recursion counts in its outermost call";
    EXPECT_EQ(self, calls[2].duration) << "all own times make up the whole";
}

TEST_F(RuntimeSourceTest, WhatFoundNoRoomIsLostAndTheTotalsAreExact) {
    constexpr std::uint64_t kCalls = AT_RING_CHUNKS * AT_RING_CHUNK_RECORDS + 54'321;
    reap(start([] {
        const __u64 f = RingChild::name("f");
        for (std::uint64_t i = 0; i < kCalls; ++i) RingChild::call(f);
    }));
    open_source();
    std::uint64_t told = 0, totals = 0, lost_calls = 0;
    std::size_t largest = 0;
    do {
        batch_.events.clear();
        poll();
        largest = std::max(largest, batch_.events.size());
        told += all<CallDone>().size();
        totals += total_calls("f");
        lost_calls += lost(LossKind::ring_full);
    } while (source_->health().rings > 0);
    EXPECT_EQ(lost_calls, 54'321u);
    EXPECT_EQ(told + lost_calls, kCalls);
    EXPECT_EQ(totals, kCalls);
    EXPECT_LE(largest, 65'536u + 10) << "a batch is bounded";
    EXPECT_EQ(source_->health().calls, told);
}

TEST_F(RuntimeSourceTest, AWriterAsFastAsItCanLosesNothingUncounted) {
    constexpr std::uint64_t kCalls = 5'000'000;
    const pid_t child = start([] {
        const __u64 f = RingChild::name("f");
        for (std::uint64_t i = 0; i < kCalls; ++i) RingChild::call(f);
    });
    open_source();
    std::uint64_t told = 0, totals = 0, lost_calls = 0;
    do {
        batch_.events.clear();
        poll();
        told += all<CallDone>().size();
        totals += total_calls("f");
        lost_calls += lost(LossKind::ring_full);
    } while (source_->health().processes == 0 || source_->health().rings > 0);
    reap(child);
    EXPECT_EQ(told + lost_calls, kCalls);
    EXPECT_EQ(totals, kCalls);
}

TEST_F(RuntimeSourceTest, AThousandThreadsAreToldToTheirEnds) {
    reap(start([] {
        const __u64 f = RingChild::name("f");
        for (int round = 0; round < 10; ++round) {
            std::vector<std::thread> threads;
            for (int i = 0; i < 100; ++i)
                threads.emplace_back([f] {
                    for (int k = 0; k < 20; ++k) RingChild::call(f);
                });
            for (std::thread& thread : threads) thread.join();
        }
    }));
    read_all();
    EXPECT_EQ(all<CallDone>().size(), 20'000u);
    EXPECT_EQ(total_calls("f"), 20'000u);
    EXPECT_TRUE(all<Lost>().empty());
}

TEST_F(RuntimeSourceTest, AForkedChildIsAProcessOfItsOwn) {
    reap(start([] {
        const __u64 f = RingChild::name("parent");
        RingChild::call(f);
        const pid_t grandchild = fork();
        if (grandchild == 0) {
            at_ring_self();
            RingChild::call(RingChild::name("child"));
            _exit(0);
        }
        waitpid(grandchild, nullptr, 0);
    }));
    read_all(2);
    EXPECT_EQ(total_calls("parent"), 1u);
    EXPECT_EQ(total_calls("child"), 1u);
}

TEST_F(RuntimeSourceTest, TheModeReachesProcessesThatRunAndThoseToCome) {
    open_source({.calls = runtime::CallDetail::totals});
    int told[2], go[2];
    ASSERT_EQ(pipe(told) | pipe(go), 0);
    const pid_t child = start([&] {
        char byte = 0;
        (void)!read(go[0], &byte, 1);
        const __u64 f = RingChild::name("f");
        for (int i = 0; i < 100; ++i) RingChild::call(f);
    });
    while (source_->health().rings == 0) poll();
    ASSERT_EQ(write(go[1], "x", 1), 1);
    reap(child);
    read_all();
    EXPECT_TRUE(all<CallDone>().empty());
    EXPECT_EQ(total_calls("f"), 100u);
    for (const int fd : {told[0], told[1], go[0], go[1]}) close(fd);
}

TEST_F(RuntimeSourceTest, AtTheEndOfTheTracingARunningProcessIsLetGo) {
    open_source();
    int ready[2], go[2];
    ASSERT_EQ(pipe(ready) | pipe(go), 0);
    const pid_t child = start([&] {
        char byte = 'x';
        RingChild::enter(RingChild::name("serve"));
        (void)!write(ready[1], &byte, 1);
        (void)!read(go[0], &byte, 1);
        _exit(*at_ring_self()->mode == AT_RING_OFF ? 0 : 1);
    });
    char byte = 0;
    ASSERT_EQ(read(ready[0], &byte, 1), 1);
    ASSERT_TRUE(source_->finish(batch_).has_value());
    const auto calls = all<CallDone>();
    ASSERT_EQ(calls.size(), 1u);
    EXPECT_EQ(calls[0].how, CallEnd::cut);
    EXPECT_EQ(name_of(calls[0].function), "serve");
    ASSERT_EQ(write(go[1], "x", 1), 1);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    for (const int fd : {ready[0], ready[1], go[0], go[1]}) close(fd);
}

TEST_F(RuntimeSourceTest, ARingWithoutANameIsFoundThroughItsProcess) {
    open_source();
    int ready[2], go[2];
    ASSERT_EQ(pipe(ready) | pipe(go), 0);
    const pid_t child = fork();
    if (child == 0) {
        if (at_ring_start("", AT_RING_PYTHON) != 0) _exit(9);
        at_ring_open();
        RingChild::call(RingChild::name("f"));
        const int fd = at_ring_process->fd;
        char byte = 0;
        (void)!write(ready[1], &fd, sizeof fd);
        (void)!read(go[0], &byte, 1);
        _exit(0);
    }
    int fd = -1;
    ASSERT_EQ(read(ready[0], &fd, sizeof fd), static_cast<ssize_t>(sizeof fd));
    const std::string path = "/proc/" + std::to_string(child) + "/fd/" + std::to_string(fd);
    ASSERT_TRUE(source_->watch(path, child).has_value());
    EXPECT_FALSE(source_->watch("/proc/self/maps", child).has_value());
    ASSERT_EQ(write(go[1], "x", 1), 1);
    reap(child);
    read_all();
    EXPECT_EQ(total_calls("f"), 1u);
    for (const int end : {ready[0], ready[1], go[0], go[1]}) close(end);
}

TEST_F(RuntimeSourceTest, WithoutItsFolderItDoesNotStart) {
    const auto source = runtime::make_runtime_source({.folder = "/nonexistent"});
    EXPECT_EQ(source->start().error().code, Errc::not_found);
}

}  // namespace
}  // namespace autotune
