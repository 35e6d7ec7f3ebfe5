// A thread's time by stack: on and off the CPU make up the wall clock, whatever was seen of the switches.
#include "bpf/logic/stack_ledger.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace autotune {
namespace {

class StackLedger : public ::testing::Test {
protected:
    void SetUp() override { at_open_stack_ledger(&ledger, &now, 1, AT_STACK_NONE); }

    void run(std::uint64_t ns) { now.at_ns += ns, now.cpu_ns += ns; }
    void pass(std::uint64_t ns) { now.at_ns += ns; }
    void leave(std::uint64_t stack) {
        ++now.switches;
        settle(AT_LEAVES, stack);
    }
    void come() { settle(AT_COMES, 0); }
    void ask() { settle(AT_ASKED, 0); }
    void settle(at_motion motion, std::uint64_t stack) {
        at_span span;
        at_settle_stack(&ledger, &now, motion, stack, &span);
        off[span.stack] += span.ns;
    }
    [[nodiscard]] std::uint64_t total() {
        at_span span;
        at_take_taken(&ledger, 1, &span);
        off[span.stack] += span.ns;
        std::uint64_t sum = 0;
        for (const auto& [stack, ns] : off) sum += ns;
        return sum;
    }

    at_reading now{.at_ns = 1'000'000, .cpu_ns = 500, .switches = 3};
    const at_reading first = now;
    at_stack_ledger ledger{};
    std::map<std::uint64_t, std::uint64_t> off;
};

TEST_F(StackLedger, GivesAWaitToTheStackThatLeft) {
    run(100);
    leave(77);
    pass(1000);
    come();
    run(50);
    leave(88);
    pass(30);
    ask();
    EXPECT_EQ(off[77], 1000u);
    EXPECT_EQ(off[88], 30u);
    EXPECT_EQ(total(), 1030u);
}

TEST_F(StackLedger, NeedsNotSeeTheReturn) {
    leave(77);
    pass(1000);
    run(50);
    leave(88);
    EXPECT_EQ(off[77], 1000u);
}

TEST_F(StackLedger, GuessesNothingAroundASwitchThatWasNotSeen) {
    leave(77);
    pass(1000);
    run(10);
    ++now.switches;  // left again, and came back
    pass(500);
    come();
    EXPECT_EQ(off[77], 0u);
    EXPECT_EQ(off[AT_STACK_UNSEEN], 1500u);
    run(10);
    ++now.switches;
    pass(70);
    run(5);
    leave(88);
    EXPECT_EQ(off[AT_STACK_UNSEEN], 1570u);
    pass(9);
    come();
    EXPECT_EQ(off[88], 9u);
}

TEST_F(StackLedger, TellsWhatInterruptsTookApart) {
    run(100);
    pass(2'000'000);  // on the CPU by what was seen, not by the kernel's sum
    run(100);
    leave(77);
    at_span span;
    at_take_taken(&ledger, 0, &span);
    EXPECT_EQ(span.stack, static_cast<std::uint64_t>(AT_STACK_TAKEN));
    EXPECT_EQ(span.ns, 2'000'000u);
    EXPECT_EQ(total(), 0u);  // told once
}

// The kernel's clock of a thread begins and ends with the switch itself, ours where it is heard of.
TEST_F(StackLedger, TakesOffWhatTheKernelCountsBeyondTheClock) {
    for (int i = 0; i < 1000; ++i) {
        run(10'000);
        now.cpu_ns += 300;
        leave(77);
        pass(20'000);
        come();
    }
    EXPECT_EQ(total(), (now.at_ns - first.at_ns) - (now.cpu_ns - first.cpu_ns));
    EXPECT_EQ(off[77], 1000u * 19'700);
    now.cpu_ns += 5000;  // more than the next wait
    leave(77);
    pass(3000);
    come();
    EXPECT_EQ(off[77], 1000u * 19'700);
    leave(77);
    pass(3000);
    come();
    EXPECT_EQ(off[77], 1000u * 19'700 + 1000);
}

TEST_F(StackLedger, SamplesStandForAllTheTimeSinceTheLast) {
    run(3'000'000);
    EXPECT_EQ(at_take_sampled(&ledger, at_cpu_so_far(&ledger, &now)), 3'000'000u);
    now.at_ns += 1'000'000;  // between two ticks the kernel's sum stands still
    EXPECT_EQ(at_take_sampled(&ledger, at_cpu_so_far(&ledger, &now)), 1'000'000u);
    EXPECT_EQ(at_take_sampled(&ledger, at_cpu_so_far(&ledger, &now)), 0u);
    now.cpu_ns += 900'000;  // less than the clock: an interrupt; told already
    EXPECT_EQ(at_take_sampled(&ledger, now.cpu_ns), 0u);
    run(200'000);
    EXPECT_EQ(at_take_sampled(&ledger, now.cpu_ns), 100'000u);
}

TEST_F(StackLedger, OnAndOffAreTheWallClockWhateverWasSeen) {
    std::mt19937 random(7);
    bool on = true;
    for (int step = 0; step < 20'000; ++step) {
        const std::uint64_t ns = random() % 5000;
        const bool seen = random() % 10 != 0;
        if (on) {
            run(ns);
            ++now.switches;
            if (seen) settle(AT_LEAVES, AT_FIRST_STACK + random() % 9);
        } else {
            pass(ns);
            if (seen) come();
        }
        on = !on;
    }
    ask();
    EXPECT_EQ(total(), (now.at_ns - first.at_ns) - (now.cpu_ns - first.cpu_ns));
    EXPECT_GT(off[AT_STACK_UNSEEN], 0u);
    EXPECT_LT(off[AT_STACK_UNSEEN] * 3, off[AT_FIRST_STACK] * 9);
}

}  // namespace
}  // namespace autotune
