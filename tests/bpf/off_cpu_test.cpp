// A thread's ledger: on-CPU time and waits make up the wall clock, whatever was seen of the switches.
#include "bpf/logic/off_cpu.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace autotune {
namespace {

class Ledger : public ::testing::Test {
protected:
    void SetUp() override { at_open_ledger(&ledger, &now); }

    void run(std::uint64_t ns) { now.at_ns += ns, now.cpu_ns += ns; }
    void queue(std::uint64_t ns) { now.at_ns += ns, now.runnable_ns += ns; }
    void pass(std::uint64_t ns) { now.at_ns += ns; }
    at_interval leave(std::uint32_t cause) {  // the CPU
        if (cause != AT_AWAKE) ++now.sleeps;
        at_interval interval;
        at_settle_ledger(&ledger, &now, cause, &interval);
        return interval;
    }
    at_times read(bool queued = false) {
        at_times times;
        at_read_ledger(&ledger, &now, queued ? 1 : 0, &times);
        const std::uint64_t off = std::accumulate(std::begin(times.off_ns), std::end(times.off_ns), std::uint64_t{0});
        EXPECT_EQ(times.on_cpu_ns + off, times.wall_ns);
        return times;
    }

    at_account now{.at_ns = 1'000'000, .cpu_ns = 500, .runnable_ns = 70, .sleeps = 3};
    at_ledger ledger{};
};

TEST_F(Ledger, PutsASleepDownToItsCause) {
    run(100);
    leave(AT_CAUSE_NETWORK);
    pass(1000);
    queue(10);
    run(50);
    const at_interval wait = leave(AT_CAUSE_LOCK);
    EXPECT_EQ(wait.blocked_ns, 1000u);
    EXPECT_EQ(wait.runnable_ns, 10u);
    EXPECT_EQ(wait.cpu_ns, 50u);
    EXPECT_EQ(wait.cause, AT_CAUSE_NETWORK);
    pass(300);
    const at_times times = read();
    EXPECT_EQ(times.on_cpu_ns, 150u);
    EXPECT_EQ(times.off_ns[AT_CAUSE_NETWORK], 1000u);
    EXPECT_EQ(times.off_ns[AT_CAUSE_LOCK], 300u);
    EXPECT_EQ(times.off_ns[AT_CAUSE_RUN_QUEUE], 10u);
}

TEST_F(Ledger, CountsBeingPushedAsideAsTheRunQueue) {
    run(100);
    leave(AT_AWAKE);
    queue(40);
    run(5);
    leave(AT_AWAKE);
    pass(60);  // in the queue; the kernel writes it down when it ends
    const at_times times = read(true);
    EXPECT_EQ(times.on_cpu_ns, 105u);
    EXPECT_EQ(times.off_ns[AT_CAUSE_RUN_QUEUE], 100u);
}

TEST_F(Ledger, DoesNotGuessTheCauseOfASleepThatPassedByUnseen) {
    leave(AT_CAUSE_SLEEP);
    pass(100);
    run(1);
    ++now.sleeps;  // a switch that was not told
    pass(900);
    run(1);
    EXPECT_EQ(leave(AT_CAUSE_SLEEP).cause, AT_CAUSE_UNKNOWN);
    EXPECT_EQ(read().off_ns[AT_CAUSE_UNKNOWN], 1000u);
}

TEST_F(Ledger, AddsUpWhenTheClocksDisagree) {
    leave(AT_CAUSE_SLEEP);
    now.at_ns += 100, now.cpu_ns += 103;  // three more than there were
    leave(AT_AWAKE);
    read();
    leave(AT_CAUSE_SLEEP);
    pass(50);
    run(10);
    leave(AT_AWAKE);
    EXPECT_EQ(read().off_ns[AT_CAUSE_SLEEP], 47u);
    EXPECT_EQ(read().on_cpu_ns, 113u);
}

TEST_F(Ledger, AddsUpOverAnyHistory) {
    std::mt19937 random(7);
    const auto upto = [&](unsigned most) { return random() % most; };
    for (int i = 0; i < 20'000; ++i) {
        switch (upto(5)) {
            case 0: run(upto(10'000)); break;
            case 1: queue(upto(3'000)); break;
            case 2: pass(upto(50'000)); break;
            case 3: leave(upto(2) ? AT_AWAKE : upto(AT_CAUSE_RUN_QUEUE)); break;
            default: read(upto(2) != 0);
        }
    }
}

TEST(WaitCause, IsWhatTheCallWaitsFor) {
    constexpr unsigned short socket = 0140777, pipe = 0010600, regular = 0100644, none = 0;
    EXPECT_EQ(at_cause_of(AT_WAIT_FILE, 3, 0, socket), AT_CAUSE_NETWORK);
    EXPECT_EQ(at_cause_of(AT_WAIT_FILE, 3, 0, pipe), AT_CAUSE_NETWORK);
    EXPECT_EQ(at_cause_of(AT_WAIT_FILE, 3, 0, regular), AT_CAUSE_DISK);
    EXPECT_EQ(at_cause_of(AT_WAIT_FILE, 3, 0, none), AT_CAUSE_UNKNOWN);
    EXPECT_EQ(at_cause_of(AT_WAIT_POLL, 0x1000, 1, none), AT_CAUSE_NETWORK);
    EXPECT_EQ(at_cause_of(AT_WAIT_POLL, 0, 0, none), AT_CAUSE_SLEEP);
    EXPECT_EQ(at_cause_of(AT_WAIT_SELECT, 0, 0, none), AT_CAUSE_SLEEP);
    EXPECT_EQ(at_cause_of(AT_WAIT_SELECT, 4, 0, none), AT_CAUSE_NETWORK);
    EXPECT_EQ(at_cause_of(AT_WAIT_FCNTL, 3, 7, none), AT_CAUSE_LOCK);
    EXPECT_EQ(at_cause_of(AT_WAIT_FCNTL, 3, 1, none), AT_CAUSE_UNKNOWN);
    EXPECT_EQ(at_cause_of(AT_WAIT_UNKNOWN, 0, 0, none), AT_CAUSE_UNKNOWN);
}

}  // namespace
}  // namespace autotune
