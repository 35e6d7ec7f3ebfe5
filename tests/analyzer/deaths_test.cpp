// How invocations end that nobody answers for.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/analyzer/event_script.hpp"

namespace autotune {
namespace {

using namespace testing;

Invocation only(std::vector<Invocation> all) {
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? Invocation{} : all[0];
}

TEST(Death, AtTheDeadlineIsATimeout) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    s.born(a).at(1s).start(a, "one", {.limit = 3s}).at(4s).killed(a, 9);
    const Invocation i = only(s.play());
    EXPECT_EQ(i.status, InvocationStatus::timeout);
    EXPECT_EQ(i.duration, 3s);
}

TEST(Death, AFewMillisecondsBeforeTheDeadlineIsATimeoutToo) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    s.born(a).at(1s).start(a, "one", {.limit = 3s}).at(3990ms).killed(a, 9);
    EXPECT_EQ(only(s.play()).status, InvocationStatus::timeout);
}

TEST(Death, BeforeTheDeadlineIsACrashAndTellsTheSignal) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    s.born(a).at(1s).start(a, "one", {.limit = 3s}).at(2s).killed(a, 11);
    const Invocation i = only(s.play());
    EXPECT_EQ(i.status, InvocationStatus::crash);
    EXPECT_EQ(i.error_type, "signal 11");
}

TEST(Death, ByExitIsACrashAlsoWithStatusZero) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    s.born(a).at(1s).start(a, "one").at(2s).exit(a, 0);
    const Invocation i = only(s.play());
    EXPECT_EQ(i.status, InvocationStatus::crash);
    EXPECT_EQ(i.error_type, "exit status 0");
}

TEST(Death, OfAnUnreadableDeadlineIsACrash) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    s.born(a).at(1s).start(a, "one").at(60s).killed(a, 9);
    EXPECT_EQ(only(s.play()).status, InvocationStatus::crash);
}

TEST(Death, BetweenInvocationsEndsNone) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    s.born(a).at(1s).start(a, "one").at(2s).end(a, "one").at(3s).killed(a, 9);
    EXPECT_EQ(only(s.play()).status, InvocationStatus::ok);
}

TEST(Death, OfAHelperEndsNothing) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a"), helper = s.child(a, 101);
    s.born(a).at(1s).start(a, "one").process(helper, 100, "sh").at(2s).killed(helper, 9).at(3s).end(a, "one");
    EXPECT_EQ(only(s.play()).status, InvocationStatus::ok);
}

TEST(OutOfMemory, EndsTheInvocationWithTheKernelsNumbers) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    s.born(a).at(1s).start(a, "one", {.limit = 3s}).at(2s).oom(a, 100, 127 * kMiB).at(2001ms).killed(a, 9);
    const Invocation i = only(s.play());
    EXPECT_EQ(i.status, InvocationStatus::out_of_memory);
    EXPECT_EQ(i.duration, 1s);
    EXPECT_EQ(i.memory_peak, 127 * kMiB);
    EXPECT_FALSE(i.memory_peak_is_bound);
    EXPECT_EQ(i.memory_limit, 128 * kMiB);
}

TEST(OutOfMemory, OfAGrandchildCountsAlthoughTheExecutorLivesAndAnswers) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a"), child = s.child(a, 101), grandchild = s.child(a, 102);
    Analyzer analyzer;
    s.born(a).at(1s).start(a, "one").process(child, 100, "sh").process(grandchild, 101, "sort");
    s.at(2s).oom(grandchild, 102).killed(grandchild, 9).at(3s).end(a, "one");
    s.feed(analyzer);
    EXPECT_EQ(only(analyzer.take_finished()).status, InvocationStatus::out_of_memory);
    EXPECT_EQ(analyzer.counters().ends_without_start, 0u);
}

TEST(OutOfMemory, InACgroupBelowTheSandboxsIsFoundByTheVictimsAncestors) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    Box nested = s.child(a, 101);
    nested.cgroup = CgroupId(70);
    s.born(a)
        .at(1s)
        .start(a, "one")
        .process(nested, 100, "worker")
        .at(2s)
        .oom(nested, 101)
        .at(3s)
        .killed(a, 9);
    EXPECT_EQ(only(s.play()).status, InvocationStatus::out_of_memory);
}

TEST(OutOfMemory, IsFinishedInTheSameIngestThatTellsIt) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a"), b = s.sandbox(8, 200, "b");
    Analyzer analyzer;
    s.born(a).born(b).at(100ms).start(a, "one").start(b, "two").at(150ms).poll(analyzer);
    s.at(160ms).send(a, 5, 10, kDatabase).end(b, "two").at(161ms).oom(a, 100).poll(analyzer);
    const auto all = analyzer.take_finished();
    ASSERT_EQ(all.size(), 1u);  // b's end is not hurried
    EXPECT_EQ(all[0].status, InvocationStatus::out_of_memory);
    EXPECT_EQ(all[0].peers.at(0).bytes_sent, 10u);
    s.at(300ms).poll(analyzer);
    EXPECT_EQ(analyzer.take_finished().size(), 1u);
}

TEST(OutOfMemory, OutsideAnInvocationIsCounted) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    Analyzer analyzer;
    s.born(a).at(1s).oom(a, 100).killed(a, 9);
    s.feed(analyzer);
    EXPECT_TRUE(analyzer.take_finished().empty());
    EXPECT_EQ(analyzer.counters().idle_oom_kills, 1u);
}

TEST(Death, OfAnExecutorIsFinishedInTheSameIngest) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    Analyzer analyzer;
    s.born(a).at(100ms).start(a, "one").at(150ms).exit(a, 3).poll(analyzer);
    EXPECT_EQ(only(analyzer.take_finished()).error_type, "exit status 3");
}

TEST(Death, TakesItsUsageFromTheLastReading) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    const CgroupUsage before{1'000'000, 0, 30 * kMiB, 30 * kMiB, 128 * kMiB};
    const CgroupUsage dying{301'000'000, 2'600'000'000, 10 * kMiB, 60 * kMiB, 128 * kMiB};
    s.born(a).at(1s).start(a, "one", {.limit = 3s, .usage = before}).at(4s).mark(a, dying).killed(a, 9);
    const Invocation i = only(s.play());
    EXPECT_EQ(i.cpu, 300ms);
    EXPECT_EQ(i.runnable, 2600ms);
    EXPECT_EQ(i.memory_peak, 60 * kMiB);
    EXPECT_FALSE(i.memory_peak_is_bound);
}

TEST(Death, WithoutAReadingEstimatesCpuBySamplesAndLeavesMemoryUnknown) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    s.born(a).at(1s).start(a, "one",
                           {.limit = 3s, .usage = {1'000'000, 0, 30 * kMiB, 30 * kMiB, 128 * kMiB}});
    s.at(2s).sample(a, {"main", "work"}).sample(a, {"main", "work"}).at(4s).killed(a, 9);
    const Invocation i = only(s.play());
    EXPECT_EQ(i.cpu, 20ms);
    EXPECT_EQ(i.memory_peak, 0u);
    EXPECT_TRUE(i.memory_peak_is_bound);
    EXPECT_EQ(i.memory_limit, 128 * kMiB);
}

TEST(Death, OfAProcessWithAReusedPidIsNotTheExecutors) {
    EventScript s;
    const Box first = s.sandbox(7, 100, "a");
    Box second = s.sandbox(8, 100, "b");
    second.process.start_ns += 999;
    s.born(first).at(1s).start(first, "one").at(2s).end(first, "one").at(3s).exit(first, 0);
    s.at(4s).born(second).at(5s).start(second, "two").at(6s).exit(first, 0).at(7s).end(second, "two");
    const auto all = s.play();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[1].function.name, "b");
    EXPECT_EQ(all[1].status, InvocationStatus::ok);
    EXPECT_TRUE(all[1].cold);
}

TEST(Death, MakesRoomForANewExecutorInTheSameCgroupWhichIsColdAgain) {
    EventScript s;
    const Box first = s.sandbox(7, 100, "a"), second = s.child(first, 101);
    s.born(first).at(1s).start(first, "one").at(2s).killed(first, 11);
    s.at(3s).born(second).at(4s).ready(second).at(5s).start(second, "two").at(6s).end(second, "two");
    const auto all = s.play();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_TRUE(all[1].cold);
    EXPECT_EQ(all[1].init, 1s);
    EXPECT_FALSE(all[1].usage_is_shared);
}

TEST(Bootstrap, InShellThatSpeaksThroughCurlLivesAsLongAsTheShell) {
    EventScript s;
    const Box shell = s.sandbox(7, 100, "a"), next = s.child(shell, 101), answer = s.child(shell, 102);
    s.born(shell)
        .at(1s)
        .process(next, 100, "curl")
        .seen(next)
        .ready(next)
        .at(2s)
        .start(next, "one")
        .exit(next, 0);
    s.at(3s).process(answer, 100, "curl").end(answer, "one").exit(answer, 0);
    s.at(4s)
        .process(next, 100, "curl")
        .start(next, "two", {.limit = 3s})
        .exit(next, 0)
        .at(7s)
        .killed(shell, 9);
    const auto all = s.play();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].status, InvocationStatus::ok);
    EXPECT_TRUE(all[0].cold);
    EXPECT_FALSE(all[0].usage_is_shared);
    EXPECT_EQ(all[1].status, InvocationStatus::timeout);
    EXPECT_FALSE(all[1].cold);
}

TEST(Timeout, BlamesTheDependencyItWasWaitingFor) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    s.born(a).at(1s).start(a, "one", {.limit = 3s, .usage = {1'000'000, 0, 0, 0, 0}});
    s.at(1100ms).send(a, 5, 10, kDatabase).at(4s).mark(a, {51'000'000, 0, 0, 0, 0}).killed(a, 9);
    const Invocation i = only(s.play());
    ASSERT_EQ(i.peers.size(), 1u);
    EXPECT_EQ(i.peers[0].failures, 1u);
    EXPECT_GT(i.network_wait, 2800ms);
    EXPECT_LE(i.network_wait + i.cpu, i.duration);
}

TEST(Timeout, BlamesTheDependencyAlsoWhenTheKillInterruptedTheCall) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    s.born(a).at(1s).start(a, "one", {.limit = 3s, .usage = {1'000'000, 0, 0, 0, 0}});
    s.at(1100ms).send(a, 5, 10, kDatabase).at(3999ms).receive(a, 5, -EINTR, kDatabase, 2899ms);
    s.at(4s).mark(a, {51'000'000, 0, 0, 0, 0}).killed(a, 9);
    const Invocation i = only(s.play());
    EXPECT_EQ(i.peers.at(0).failures, 1u);
    EXPECT_NEAR(to_ms(i.network_wait), 2900, 2);
}

TEST(Timeout, BlamesAnInterruptedConnectAsAFailedOne) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    s.born(a).at(1s).start(a, "one", {.limit = 3s, .usage = {1'000'000, 0, 0, 0, 0}});
    s.at(4s).io(a, {.op = IoOp::connect, .fd = 5, .result = -EINTR, .latency = 2900ms, .peer = kDatabase});
    s.mark(a, {51'000'000, 0, 0, 0, 0}).killed(a, 9);
    const Invocation i = only(s.play());
    EXPECT_EQ(i.peers.at(0).failed_connects, 1u);
    EXPECT_EQ(i.network_wait, 2900ms);
}

TEST(Timeout, OfOneThatComputedBlamesNobody) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    s.born(a).at(1s).start(a, "one", {.limit = 3s, .usage = {1'000'000, 0, 0, 0, 0}});
    s.at(1100ms).send(a, 5, 10, kDatabase).at(4s).mark(a, {401'000'000, 2'500'000'000, 0, 0, 0}).killed(a, 9);
    const Invocation i = only(s.play());
    EXPECT_EQ(i.peers.at(0).failures, 0u);
    EXPECT_EQ(i.network_wait, 1ms);
}

}  // namespace
}  // namespace autotune
