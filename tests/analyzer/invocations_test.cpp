#include <gtest/gtest.h>

#include "tests/analyzer/event_script.hpp"

namespace autotune {
namespace {

using namespace testing;

TEST(Invocations, AreBoundByTheWorkAndTheAnswer) {
    EventScript s;
    const Box orders = s.sandbox(7, 100, "orders");
    s.at(0ms).born(orders).at(80ms).ready(orders);
    s.at(100ms).start(orders, "one", {.limit = 3s, .trace = "Root=1-a"}).at(150ms).end(orders, "one");
    const auto all = s.play();
    ASSERT_EQ(all.size(), 1u);
    const Invocation& i = all[0];
    EXPECT_EQ(i.id, InvocationId("one"));
    EXPECT_EQ(i.function, (FunctionRef{"aws-lambda", "orders"}));
    EXPECT_EQ(i.version, "1");
    EXPECT_EQ(i.trace_id, "Root=1-a");
    EXPECT_EQ(i.status, InvocationStatus::ok);
    EXPECT_EQ(i.start, Timestamp(100ms));
    EXPECT_EQ(i.duration, 50ms);
    EXPECT_EQ(i.wall_start, kBoot + 100ms);
    EXPECT_EQ(i.time_limit, 3s);
    EXPECT_EQ(i.memory_mb, 128u);
    EXPECT_EQ(i.request_bytes, 10u);
    EXPECT_EQ(i.response_bytes, 20u);
}

TEST(Invocations, HoldTheCallsOfFunctionsThatTheyMade) {
    EventScript s;
    const Box orders = s.sandbox(7, 100, "orders");
    s.at(0ms).born(orders).at(80ms).ready(orders);
    s.at(90ms).asks(orders, "/2015-03-31/functions/early/invocations", 5ms);  // nobody's
    s.at(100ms).start(orders, "one", {.trace = "Root=1-a"});
    s.at(140ms).asks(orders, "/2015-03-31/functions/prices:live/invocations", 30ms, 200, "Root=1-a;Parent=2");
    s.at(142ms).asks(orders, "/health", 1ms);
    s.at(145ms).on(101).asks(orders, "/2015-03-31/functions/mail/invocations", 3ms, 202).on(100);
    s.at(150ms).end(orders, "one");
    const auto all = s.play();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].calls,
              (std::vector<FunctionCall>{
                  {.function = "prices", .trace_id = "Root=1-a;Parent=2", .start = 10ms, .duration = 30ms, .status = 200},
                  {.function = "mail", .trace_id = "", .start = 42ms, .duration = 3ms, .status = 202}}));
    EXPECT_EQ(all[0].calls_not_kept, 0u);
}

TEST(Invocations, HoldNoMoreCallsThanTheyMayAndCountTheOthers) {
    EventScript s;
    const Box orders = s.sandbox(7, 100, "orders");
    s.at(0ms).born(orders).at(80ms).ready(orders).at(100ms).start(orders, "one");
    for (std::size_t n = 0; n < kMostFunctionCalls + 7; ++n)
        s.at(101ms + Nanos(n)).asks(orders, "/2015-03-31/functions/prices/invocations", Nanos(1));
    s.at(150ms).end(orders, "one");
    const auto all = s.play();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].calls.size(), kMostFunctionCalls);
    EXPECT_EQ(all[0].calls_not_kept, 7u);
}

TEST(Invocations, AreColdOnceAndTellHowLongTheSandboxTook) {
    EventScript s;
    const Box orders = s.sandbox(7, 100, "orders");
    s.at(10ms).born(orders).at(90ms).ready(orders);
    s.at(100ms).start(orders, "one").at(110ms).end(orders, "one").ready(orders);
    s.at(200ms).start(orders, "two").at(210ms).end(orders, "two");
    const auto all = s.play();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_TRUE(all[0].cold);
    EXPECT_EQ(all[0].init, 80ms);
    EXPECT_FALSE(all[1].cold);
    EXPECT_EQ(all[1].init, 0ms);
}

TEST(Invocations, OfASandboxThatIsKeptWarmAreNotCold) {
    EventScript s;
    Box orders = s.sandbox(7, 100, "orders");
    orders.kept_warm = true;
    s.born(orders).at(90ms).ready(orders).at(5s).start(orders, "one").at(6s).end(orders, "one");
    s.at(7s).start(orders, "two").at(8s).end(orders, "two");
    const auto all = s.play();
    ASSERT_EQ(all.size(), 2u);
    for (const Invocation& i : all) {
        EXPECT_FALSE(i.cold);
        EXPECT_EQ(i.init, 0ms);
        EXPECT_TRUE(i.kept_warm);
    }
}

TEST(Invocations, OfASandboxWhoseBirthWasNotSeenAreNotCalledCold) {
    EventScript s;
    const Box orders = s.sandbox(7, 100, "orders");
    s.seen(orders).at(90ms).ready(orders).at(100ms).start(orders, "one").at(110ms).end(orders, "one");
    const auto all = s.play();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_FALSE(all[0].cold);
}

TEST(Invocations, OfAProcessThatWasThereBeforeUsAreNotCalledCold) {
    EventScript s;
    Box orders = s.sandbox(7, 100, "orders");
    orders.process.start_ns = 5'000'000'000;
    s.at(60s).born(orders).at(61s).ready(orders).at(62s).start(orders, "one").at(63s).end(orders, "one");
    const auto all = s.play();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_FALSE(all[0].cold);
    EXPECT_EQ(all[0].init, 0ms);
}

TEST(Invocations, ThatAnswerWithAnErrorKeepItsType) {
    EventScript s;
    const Box orders = s.sandbox(7, 100, "orders");
    s.born(orders).at(1ms).start(orders, "one").at(2ms).error(orders, "one", "ValueError");
    const auto all = s.play();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].status, InvocationStatus::error);
    EXPECT_EQ(all[0].error_type, "ValueError");
}

TEST(Invocations, OfInterleavedSandboxesKeepTheirOwnTraffic) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a"), b = s.sandbox(8, 200, "b");
    s.born(a).born(b);
    s.at(1ms).start(a, "a1").at(2ms).start(b, "b1");
    s.at(3ms).send(a, 5, 100, kDatabase).at(4ms).send(b, 5, 7, kCache).at(5ms).send(a, 5, 11, kDatabase);
    s.at(6ms).end(b, "b1").at(7ms).end(a, "a1");
    const auto all = s.play();
    ASSERT_EQ(all.size(), 2u);
    ASSERT_EQ(all[0].peers.size(), 1u);
    EXPECT_EQ(all[0].function.name, "b");
    EXPECT_EQ(all[0].peers[0].bytes_sent, 7u);
    ASSERT_EQ(all[1].peers.size(), 1u);
    EXPECT_EQ(all[1].peers[0].peer, kDatabase);
    EXPECT_EQ(all[1].peers[0].bytes_sent, 111u);
}

TEST(Invocations, IncludeWhatOtherProcessesOfTheSandboxDo) {
    EventScript s;
    const Box shop = s.sandbox(7, 100, "shop"), helper = s.child(shop, 101);
    s.born(shop).at(1ms).start(shop, "one").at(2ms).process(helper, 100, "sh");
    s.at(3ms).send(helper, 4, 50, kDatabase).at(4ms).exit(helper, 0).at(5ms).end(shop, "one");
    const auto all = s.play();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].status, InvocationStatus::ok);
    ASSERT_EQ(all[0].peers.size(), 1u);
    EXPECT_EQ(all[0].peers[0].bytes_sent, 50u);
}

TEST(Invocations, ArePutInOrderWhenEventsAreNot) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    Analyzer analyzer;
    s.born(a).at(10ms).start(a, "one").at(20ms).end(a, "one");
    s.at(15ms).send(a, 5, 100, kDatabase);  // another CPU's, in the same batch
    s.at(21ms).poll(analyzer);
    s.at(18ms).send(a, 5, 23, kDatabase);  // and one in the next
    s.at(31ms).poll(analyzer);
    EXPECT_TRUE(analyzer.take_finished().empty());  // still held back
    s.at(60ms).poll(analyzer);
    const auto all = analyzer.take_finished();
    ASSERT_EQ(all.size(), 1u);
    ASSERT_EQ(all[0].peers.size(), 1u);
    EXPECT_EQ(all[0].peers[0].bytes_sent, 123u);
    EXPECT_EQ(analyzer.counters().late, 0u);
}

TEST(Invocations, DoNotTakeWhatHappenedBeforeOrAfter) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    s.born(a).at(5ms).send(a, 5, 1, kDatabase).at(10ms).start(a, "one");
    s.at(11ms).send(a, 5, 2, kDatabase).at(20ms).end(a, "one").at(25ms).send(a, 5, 4, kDatabase);
    const auto all = s.play();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].peers.at(0).bytes_sent, 2u);
}

TEST(Invocations, ThatRanWhileEventsWereLostSaySo) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a"), b = s.sandbox(8, 200, "b");
    s.born(a).born(b).at(1ms).lost(3).at(2ms).start(a, "one").at(3ms).lost(5).at(4ms).end(a, "one");
    s.at(5ms).start(b, "two").at(6ms).end(b, "two");
    const auto all = s.play();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].events_lost, 5u);
    EXPECT_EQ(all[1].events_lost, 0u);
}

TEST(Invocations, WhoseStartWasNotSeenAreCountedOnly) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    Analyzer analyzer;
    s.seen(a).at(1ms).end(a, "before us").at(2ms).ready(a).at(3ms).start(a, "one").at(4ms).end(a, "one");
    s.feed(analyzer);
    EXPECT_EQ(analyzer.take_finished().size(), 1u);
    EXPECT_EQ(analyzer.counters().ends_without_start, 1u);
}

TEST(Invocations, WhoseEndWasNotSeenEndUnknownWhenTheNextIsAskedFor) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    Analyzer analyzer;
    s.born(a).at(1ms).start(a, "one").at(4ms).ready(a).at(5ms).start(a, "two").at(6ms).start(a, "three");
    s.feed(analyzer);
    const auto all = analyzer.take_finished();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].status, InvocationStatus::unknown);
    EXPECT_EQ(all[0].duration, 3ms);
    EXPECT_EQ(all[1].id, InvocationId("two"));
    EXPECT_EQ(analyzer.counters().missing_ends, 2u);
}

TEST(Invocations, TellCpuAndMemoryFromTheReadingsAtTheirBounds) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    const CgroupUsage before{1'000, 500, 30 * kMiB, 30 * kMiB, 128 * kMiB};
    const CgroupUsage after{9'000'000, 2'000'500, 31 * kMiB, 77 * kMiB, 128 * kMiB};
    s.born(a).at(1ms).start(a, "one", {.usage = before}).at(21ms).end(a, "one", after);
    const auto all = s.play();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].cpu, Nanos(8'999'000));
    EXPECT_EQ(all[0].runnable, Nanos(2'000'000));
    EXPECT_EQ(all[0].memory_peak, 77 * kMiB);
    EXPECT_FALSE(all[0].memory_peak_is_bound);
    EXPECT_EQ(all[0].memory_limit, 128 * kMiB);
    EXPECT_FALSE(all[0].usage_is_shared);
}

ThreadTimes times_at(Nanos cpu, Nanos network, Nanos lock, std::uint64_t faults) {
    ThreadTimes t{.wall = cpu + network + lock, .on_cpu = cpu, .minor_faults = faults, .major_faults = faults / 2};
    t.off_cpu[static_cast<std::size_t>(WaitCause::network)] = network;
    t.off_cpu[static_cast<std::size_t>(WaitCause::lock)] = lock;
    return t;
}

TEST(Invocations, TellWhereTheTimeOfTheThreadWentThatSpeaks) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    s.born(a).at(1ms).add(a, times_at(9ms, 0ms, 0ms, 3)).ready(a);
    s.at(10ms).add(a, times_at(10ms, 9ms, 0ms, 4)).start(a, "one");
    s.at(30ms).add(a, times_at(15ms, 19ms, 5ms, 10)).end(a, "one");
    const auto all = s.play();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].thread.wall, all[0].duration);
    EXPECT_EQ(all[0].thread.on_cpu, 5ms);
    EXPECT_EQ(all[0].thread.off_cpu[static_cast<std::size_t>(WaitCause::network)], 10ms);
    EXPECT_EQ(all[0].thread.off_cpu[static_cast<std::size_t>(WaitCause::lock)], 5ms);
    EXPECT_EQ(all[0].thread.minor_faults, 6u);
    EXPECT_EQ(all[0].thread.major_faults, 3u);
}

TEST(Invocations, DoNotTakeTheTimesOfAnotherBoundaryOrThread) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    s.born(a).at(1ms).ready(a).add(a, times_at(9ms, 0ms, 0ms, 3)).at(2ms).ready(a);
    s.at(10ms).start(a, "one");  // the reading of this boundary was lost
    s.at(30ms).add(a, times_at(15ms, 19ms, 5ms, 10)).end(a, "one");
    s.at(40ms).add(a, times_at(15ms, 20ms, 5ms, 10)).start(a, "two");
    s.batch.events[s.batch.events.size() - 2].thread = ThreadId(101);
    s.at(50ms).add(a, times_at(16ms, 20ms, 5ms, 10)).end(a, "two");
    const auto all = s.play();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].thread.wall, 0ms);
    EXPECT_EQ(all[1].thread.wall, 0ms);
}

TEST(Invocations, OfTwoExecutorsInOneCgroupAreToldApartByTheirProcessTrees) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    Box b = s.child(a, 200);
    b.function = "b";
    const Box stranger = s.child(a, 300);
    Analyzer analyzer;
    s.born(a).process(b, 1, "python3").seen(b).process(stranger, 1, "bash").ready(a).ready(b);
    s.at(1ms).start(a, "a1").start(b, "b1");
    s.at(2ms).send(a, 5, 10, kDatabase).send(b, 5, 20, kDatabase).send(stranger, 5, 40, kDatabase);
    s.at(3ms).end(a, "a1").at(4ms).end(b, "b1");
    s.feed(analyzer);
    const auto all = analyzer.take_finished();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].function.name, "a");
    EXPECT_EQ(all[0].peers.at(0).bytes_sent, 10u);
    EXPECT_TRUE(all[0].usage_is_shared);
    EXPECT_EQ(all[1].function.name, "b");
    EXPECT_EQ(all[1].peers.at(0).bytes_sent, 20u);
    EXPECT_EQ(analyzer.counters().unattributed_io, 1u);
}

TEST(Invocations, SayWhatOfThemWasNotDecodedAndWhichConnectionsWereInTrouble) {
    EventScript s;
    const Box a = s.sandbox(7, 100, "a");
    const StringId ring = s.batch.tables.strings.intern("io_uring");
    const SocketTrouble again{SocketTroubleKind::retransmit, ipv4_endpoint(10, 0, 0, 1, 40'000), kDatabase};
    s.born(a).add(a, NotDecoded{ring, 100}).at(1ms).start(a, "one");
    s.at(2ms).add(a, NotDecoded{ring, 2}).add(a, NotDecoded{s.batch.tables.strings.intern("HTTP/2"), 1});
    s.at(3ms).add(a, NotDecoded{ring, 3}).add(a, again).send(a, 5, 1, kDatabase).at(4ms).end(a, "one");
    const auto all = s.play();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].not_decoded, (std::vector<UndecodedWork>{{"io_uring", 5}, {"HTTP/2", 1}}));
    ASSERT_EQ(all[0].peers.size(), 1u);
    EXPECT_EQ(all[0].peers[0].retransmits, 1u);
}

TEST(Invocations, WithoutCgroupsAreJoinedByProcess) {
    EventScript s;
    const Box a = s.sandbox(0, 100, "a"), b = s.sandbox(0, 200, "b");
    s.born(a).born(b).at(1ms).start(a, "a1").start(b, "b1").at(2ms).send(b, 5, 9, kCache);
    s.at(3ms).end(a, "a1").at(4ms).end(b, "b1");
    const auto all = s.play();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_TRUE(all[0].peers.empty());
    EXPECT_EQ(all[1].peers.at(0).bytes_sent, 9u);
}

}  // namespace
}  // namespace autotune
