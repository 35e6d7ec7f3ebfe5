// The small pure parts: order, percentiles, memory peaks, trace links.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "analyzer/memory_peak.hpp"
#include "analyzer/percentile.hpp"
#include "analyzer/process_table.hpp"
#include "analyzer/reorder_buffer.hpp"
#include "analyzer/trace_links.hpp"
#include "tests/analyzer/event_script.hpp"

namespace autotune::analysis {
namespace {

using namespace autotune::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<Event> at(std::initializer_list<int> ms, CgroupId cgroup = {}) {
    std::vector<Event> events;
    for (const int t : ms)
        events.push_back({Timestamp(Nanos(std::chrono::milliseconds(t))), {}, {}, cgroup, {}, Lost{}});
    return events;
}

struct Collector {
    std::vector<std::int64_t> times;
    void operator()(const Event& e) { times.push_back(to_ns(e.at) / 1'000'000); }
};

TEST(ReorderBuffer, ReleasesInOrderUpToTheWatermark) {
    ReorderBuffer buffer;
    Collector got;
    EXPECT_EQ(buffer.add(at({5, 3, 9})), 0u);
    buffer.release(Timestamp(6ms), got);
    EXPECT_THAT(got.times, ElementsAre(3, 5));
    buffer.add(at({8, 7}));
    buffer.release(Timestamp(20ms), got);
    EXPECT_THAT(got.times, ElementsAre(3, 5, 7, 8, 9));
}

TEST(ReorderBuffer, KeepsTheOrderOfArrivalAmongEquals) {
    ReorderBuffer buffer;
    auto events = at({5, 5, 4, 5});
    for (std::size_t i = 0; i < events.size(); ++i) events[i].thread = ThreadId(static_cast<int>(i));
    buffer.add(events);
    std::vector<int> threads;
    buffer.release(Timestamp(9ms), [&](const Event& e) { threads.push_back(static_cast<int>(e.thread)); });
    EXPECT_THAT(threads, ElementsAre(2, 0, 1, 3));
}

TEST(ReorderBuffer, CountsWhatCameTooLateAndReleasesItNext) {
    ReorderBuffer buffer;
    Collector got;
    buffer.add(at({5}));
    buffer.release(Timestamp(10ms), got);
    EXPECT_EQ(buffer.add(at({4, 11})), 1u);
    buffer.release(Timestamp(10ms), got);
    EXPECT_THAT(got.times, ElementsAre(5, 4));
}

TEST(ReorderBuffer, LetsOneCgroupGoEarlyAndNoEventTwice) {
    ReorderBuffer buffer;
    Collector early, rest;
    buffer.add(at({1, 4}, CgroupId(7)));
    buffer.add(at({2, 3}, CgroupId(8)));
    buffer.release_cgroup(CgroupId(7), Timestamp(3ms), early);
    EXPECT_THAT(early.times, ElementsAre(1));
    buffer.release(Timestamp(9ms), rest);
    EXPECT_THAT(rest.times, ElementsAre(2, 3, 4));
}

TEST(ReorderBuffer, GivesBackEverythingSortedWhateverTheBatches) {
    std::mt19937 random(7);
    ReorderBuffer buffer;
    Collector got;
    std::size_t put = 0;
    for (int batch = 0; batch < 200; ++batch) {
        for (int i = 0; i < 50; ++i, ++put) buffer.add(at({batch * 10 + static_cast<int>(random() % 30)}));
        buffer.release(Timestamp(std::chrono::milliseconds(batch * 10 - 1)), got);
    }
    buffer.release(Timestamp::max(), got);
    EXPECT_EQ(got.times.size(), put);
    EXPECT_TRUE(std::is_sorted(got.times.begin(), got.times.end()));
}

std::optional<int> percentile_of(std::vector<int> values, double q) { return percentile<int>(values, q); }

TEST(Percentile, IsTheNearestRank) {
    const std::vector<int> v{40, 15, 50, 35, 20};  // the textbook's example
    EXPECT_EQ(percentile_of(v, 0.05), 15);
    EXPECT_EQ(percentile_of(v, 0.30), 20);
    EXPECT_EQ(percentile_of(v, 0.40), 20);
    EXPECT_EQ(percentile_of(v, 0.50), 35);
    EXPECT_EQ(percentile_of(v, 1.00), 50);
    EXPECT_EQ(percentile_of({}, 0.5), std::nullopt);
}

TEST(Percentile, OfValuesThatStandForSeveralIsThatOfAllTheyStandFor) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 random(seed);
        std::vector<Weighted<int>> few;
        std::vector<int> all;
        for (unsigned n = 0; n < 1 + seed % 40; ++n) {
            const Weighted<int> one{static_cast<int>(random() % 50), 1 + static_cast<std::uint32_t>(random() % 16)};
            few.push_back(one);
            all.insert(all.end(), one.stands_for, one.value);
        }
        for (const double q : {0.01, 0.25, 0.5, 0.95, 0.99, 1.0})
            EXPECT_EQ(percentile<int>(std::span(few), q), percentile_of(all, q)) << "seed " << seed << ", q " << q;
    }
    EXPECT_EQ(percentile<int>(std::span<Weighted<int>>(), 0.5), std::nullopt);
}

TEST(Percentile, IsNotPushedUpByBinaryFractions) {
    std::vector<int> v(20);
    for (int i = 0; i < 20; ++i) v[static_cast<std::size_t>(i)] = i + 1;
    EXPECT_EQ(percentile_of(v, 0.95), 19);
}

CgroupUsage memory(std::uint64_t now_mib, std::uint64_t peak_mib) {
    return {.memory_now = now_mib * kMiB, .memory_peak = peak_mib * kMiB};
}

TEST(MemoryPeak, IsExactWhenTheWatermarkWasReset) {
    const MemoryPeak p = memory_peak(memory(40, 40), memory(40, 40));
    EXPECT_EQ(p.bytes, 40 * kMiB);
    EXPECT_FALSE(p.is_bound);
}

TEST(MemoryPeak, IsExactWhenTheWatermarkGrew) {
    EXPECT_FALSE(memory_peak(memory(40, 90), memory(40, 91)).is_bound);
}

TEST(MemoryPeak, IsABoundWhenAnOlderWatermarkStands) {
    const MemoryPeak p = memory_peak(memory(40, 90), memory(60, 90));
    EXPECT_EQ(p.bytes, 90 * kMiB);
    EXPECT_TRUE(p.is_bound);
}

TEST(MemoryPeak, IsABoundWhenTheStartWasNotRead) { EXPECT_TRUE(memory_peak({}, memory(60, 90)).is_bound); }

TEST(TraceRoot, IsSharedByAllCallsOfARequest) {
    EXPECT_EQ(trace_root("Root=1-abc;Parent=1;Sampled=1"), trace_root("Root=1-abc;Parent=2;Sampled=0"));
    EXPECT_NE(trace_root("Root=1-abc;Parent=1"), trace_root("Root=1-abd;Parent=1"));
    EXPECT_EQ(trace_root("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
              trace_root("00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-00"));
    EXPECT_EQ(trace_root(""), 0u);
}

TracedCall call(std::uint64_t root, int start, int end, std::size_t owner) {
    return {root, from_ns(start), from_ns(end), owner};
}

TEST(TraceLinks, LeadFromTheShortestThatEncloses) {
    EXPECT_THAT(
        trace_links({call(1, 0, 100, 0), call(1, 10, 60, 1), call(1, 20, 30, 2)}),
        ElementsAre(std::pair<std::size_t, std::size_t>{0, 1}, std::pair<std::size_t, std::size_t>{1, 2}));
}

TEST(TraceLinks, DoNotCrossTracesNorJoinWhatHasNone) {
    EXPECT_THAT(trace_links({call(1, 0, 100, 0), call(2, 10, 60, 1), call(0, 0, 9, 2), call(0, 1, 2, 3)}),
                IsEmpty());
}

TEST(TraceLinks, AreLeftOutWhereTwoCallersFitEquallyWell) {
    EXPECT_THAT(trace_links({call(1, 0, 50, 0), call(1, 5, 55, 1), call(1, 10, 20, 2)}), IsEmpty());
}

TEST(ProcessTable, FindsTheRootWithinTheCgroupAndPrefersAnExecutor) {
    EventScript s;
    const Box outside = s.sandbox(1, 50, ""), shell = s.sandbox(7, 100, "a"), python = s.child(shell, 101);
    s.process(outside, 1, "host").process(shell, 50, "sh").process(python, 100, "python3");
    ProcessTable table;
    for (const Event& e : s.batch.events) table.started(e, std::get<ProcessStarted>(e.body));
    EXPECT_EQ(table.root_of(python.process), shell.process);
    EXPECT_TRUE(table.descends_from(python.process, outside.process));
    EXPECT_FALSE(table.descends_from(shell.process, python.process));
    table.seen_as_executor(s.batch.events[2]);
    EXPECT_EQ(table.root_of(python.process), python.process);  // then the shell is a user's, not a bootstrap
}

TEST(ProcessTable, EndsOnAParentCycle) {
    EventScript s;
    const Box a = s.sandbox(7, 100, ""), b = s.sandbox(7, 101, "");
    s.process(a, 101, "a").process(b, 100, "b");
    ProcessTable table;
    for (const Event& e : s.batch.events) table.started(e, std::get<ProcessStarted>(e.body));
    EXPECT_FALSE(table.descends_from(a.process, {999, 0}));
    (void)table.root_of(a.process);
}

}  // namespace
}  // namespace autotune::analysis
