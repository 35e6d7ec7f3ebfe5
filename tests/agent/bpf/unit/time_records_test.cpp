#include "tests/agent/bpf/unit/records.hpp"

namespace autotune::test {
namespace {

class TimeRecords : public Decoding {};

TEST_F(TimeRecords, BecomeTheTimesOfAThread) {
    at_thread_times_record r{};
    r.header = header_of(AT_THREAD_TIMES, sizeof r, {}, 900);
    r.times.wall_ns = 100;
    r.times.on_cpu_ns = 40;
    r.times.off_ns[AT_CAUSE_CHILD] = 35;
    r.times.off_ns[AT_CAUSE_RUN_QUEUE] = 25;
    r.minor_faults = 7;
    r.major_faults = 2;
    feed(r);
    ASSERT_EQ(of<ThreadTimes>().size(), 1u);
    const ThreadTimes t = of<ThreadTimes>()[0];
    EXPECT_EQ(t.wall, Nanos(100));
    EXPECT_EQ(t.on_cpu, Nanos(40));
    EXPECT_EQ(t.off_cpu[static_cast<std::size_t>(WaitCause::child)], Nanos(35));
    EXPECT_EQ(t.off_cpu[static_cast<std::size_t>(WaitCause::run_queue)], Nanos(25));
    EXPECT_EQ(t.minor_faults, 7u);
    EXPECT_EQ(t.major_faults, 2u);
}

TEST_F(TimeRecords, AWaitIsASleepAndThenTheQueueForACpu) {
    at_off_cpu_record r{};
    r.header = header_of(AT_OFF_CPU, sizeof r, {}, 900);
    r.blocked_ns = 300;
    r.runnable_ns = 20;
    r.cause = AT_CAUSE_LOCK;
    feed(r);
    ASSERT_EQ(of<OffCpu>().size(), 2u);
    EXPECT_EQ(of<OffCpu>()[0].cause, WaitCause::lock);
    EXPECT_EQ(of<OffCpu>()[0].duration, Nanos(300));
    EXPECT_EQ(batch.events[0].at, from_ns(880));
    EXPECT_EQ(of<OffCpu>()[1].cause, WaitCause::run_queue);
    EXPECT_EQ(of<OffCpu>()[1].duration, Nanos(20));
    EXPECT_EQ(batch.events[1].at, from_ns(900));
}

TEST_F(TimeRecords, OfGarbageDoNotOverflow) {
    at_off_cpu_record r{};
    r.header = header_of(AT_OFF_CPU, sizeof r, {}, 900);
    r.blocked_ns = r.runnable_ns = UINT64_MAX;
    r.cause = 4711;
    feed(r);
    ASSERT_EQ(of<OffCpu>().size(), 2u);
    EXPECT_EQ(of<OffCpu>()[0].cause, WaitCause::unknown);
    EXPECT_EQ(batch.events[0].at, Timestamp{});
}

}  // namespace
}  // namespace autotune::test
