#include "cli/call_records.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <filesystem>

#include "cli/fuse_input.hpp"
#include "cli/fuse_report.hpp"
#include "cli/state_folder.hpp"
#include "knowledge/sqlite_store.hpp"
#include "rules/recluster/link.hpp"
#include "rules/recluster/replay.hpp"

namespace autotune::cli {
namespace {

using std::chrono::milliseconds;

Invocation ran(const std::string& id, const std::string& function, int start_ms, int end_ms, const std::string& trace,
               std::vector<FunctionCall> calls = {}) {
    Invocation i;
    i.id = InvocationId(std::string_view(id));
    i.function = {"aws-lambda", function};
    i.trace_id = trace;
    i.start = Timestamp(milliseconds(start_ms)), i.end = Timestamp(milliseconds(end_ms));
    i.wall_start = WallTime(milliseconds(start_ms + 1'000'000));
    i.duration = i.end - i.start;
    i.memory_mb = 512;
    i.status = InvocationStatus::ok;
    i.calls = std::move(calls);
    return i;
}

FunctionCall call(const std::string& function, int start_ms, int took_ms, const std::string& trace, std::uint16_t status = 200) {
    return {.function = function, .trace_id = trace, .start = milliseconds(start_ms), .duration = milliseconds(took_ms), .status = status};
}

RecordedCalls put_together(const std::vector<Invocation>& all) {
    CallRecords records;
    for (const Invocation& i : all) EXPECT_TRUE(records.add(i));
    return std::move(records).finish();
}

// Who is whose callee, "a>b" each.
std::vector<std::string> edges(const rules::CallLog& log) {
    std::vector<std::string> out;
    for (const auto& trace : log.traces)
        for (const auto& i : trace.invocations)
            for (const auto& c : i.calls) out.push_back(i.id + (c.sync ? ">" : "~>") + (c.callee_id.empty() ? "?" : c.callee_id));
    return out;
}

TEST(CallRecords, PutRequestsTogetherByWhatCallersCalled) {
    // front hands its trace id on to back; mail got one of its own, which the answer told.
    const auto done = put_together({ran("m", "mail", 1130, 1400, "Root=9"), ran("b", "back", 1020, 1060, "Root=1;Parent=7"),
                                    ran("f", "front", 1000, 1120, "Root=1", {call("back", 10, 60, "Root=1"), call("mail", 90, 4, "Root=9", 202)})});
    ASSERT_EQ(done.log.traces.size(), 1u);
    EXPECT_EQ(edges(done.log), (std::vector<std::string>{"f>b", "f~>m"}));
    const auto& front = done.log.traces[0].invocations[0];
    EXPECT_EQ(front.billed_ms, 120);
    EXPECT_EQ(front.memory_mb, 512);
    EXPECT_EQ(front.calls[0].start_ms, 1010);
    EXPECT_EQ(front.calls[0].duration_ms, 60);
    EXPECT_EQ(done.log.traces[0].invocations[1].parent, "f");
    rules::CallLog log = done.log;
    const auto links = rules::link(log, std::nullopt);
    ASSERT_TRUE(links) << links.error().message;
    EXPECT_EQ(links->orphans + links->assumed + links->elsewhere, 0u);
    EXPECT_EQ(links->overheads.overall, 20);
}

// A client that names one trace for all its requests: 60,000 calls, each of which would fit by name to all that follow.
TEST(CallRecords, TellManyCallsOfOneTraceApartByTheirTimes) {
    constexpr int kRequests = 30'000;
    CallRecords records;
    for (int n = 0; n < kRequests; ++n) {
        const std::string id = std::to_string(n);
        ASSERT_TRUE(records.add(ran("b" + id, "back", 10 * n + 2, 10 * n + 4, "Root=1")));
        ASSERT_TRUE(records.add(ran("m" + id, "mail", 10 * n + 8, 10 * n + 9, "Root=1")));
        ASSERT_TRUE(records.add(ran("f" + id, "front", 10 * n, 10 * n + 7, "Root=1",
                                    {call("back", 1, 4, "Root=1"), call("mail", 5, 1, "Root=1", 202)})));
    }
    const RecordedCalls done = std::move(records).finish();
    EXPECT_EQ(done.missing.by_order, 0u);
    std::size_t told = 0;
    for (const auto& trace : done.log.traces)
        for (const auto& i : trace.invocations)
            for (const auto& c : i.calls) told += c.callee_id == (c.sync ? "b" : "m") + i.id.substr(1) ? 1 : 0;
    EXPECT_EQ(told, 2u * kRequests);
}

TEST(CallRecords, TellParallelCallsOfOneFunctionApartByTheOrderOfTheirEnds) {
    const auto done = put_together({ran("f", "front", 0, 200, "Root=1", {call("back", 10, 100, "Root=1"), call("back", 11, 150, "Root=1")}),
                                    ran("slow", "back", 20, 150, "Root=1"), ran("quick", "back", 25, 100, "Root=1")});
    EXPECT_EQ(edges(done.log), (std::vector<std::string>{"f>quick", "f>slow"}));
    EXPECT_EQ(done.missing.by_order, 1u);  // the last one fits one call only
}

TEST(CallRecords, DoNotMakeUpWhatIsMissing) {
    // lost: no invocation fits; late: it began after the answer was there; failed: nobody ran.
    const auto done = put_together(
        {ran("f", "front", 0, 100, "Root=1", {call("lost", 10, 20, "Root=1"), call("late", 40, 20, "Root=1"), call("failed", 70, 5, "Root=1", 429)}),
         ran("l", "late", 70, 90, "Root=1"), ran("other", "front", 500, 600, "Root=2")});
    EXPECT_EQ(edges(done.log), (std::vector<std::string>{"f>?", "f>?"}));
    EXPECT_EQ(done.missing.calls_failed, 1u);
    // `late` has the trace id of what began before: it stays with it, and remote.
    ASSERT_EQ(done.log.traces.size(), 2u);
    rules::CallLog log = done.log;
    const auto links = rules::link(log, std::nullopt);
    ASSERT_TRUE(links);
    EXPECT_EQ(links->orphans, 1u);
}

TEST(CallRecords, LeaveOutWhatHasItsCallerBeyondTheirEdge) {
    const auto whole = [](int at, const std::string& n) {
        return std::vector{ran("f" + n, "front", at, at + 100, "Root=" + n, {call("back", 10, 80, "Root=" + n)}),
                           ran("b" + n, "back", at + 20, at + 60, "Root=" + n)};
    };
    std::vector<Invocation> all{ran("cut", "back", 0, 40, "Root=0")};
    for (const auto& i : whole(1000, "1")) all.push_back(i);
    all.push_back(ran("alone", "back", 5000, 5040, "Root=5"));  // somebody outside asked for it
    for (const auto& i : whole(9000, "2")) all.push_back(i);
    all.push_back(ran("open", "back", 9090, 9110, "Root=3"));
    const auto done = put_together(all);
    EXPECT_EQ(done.missing.at_the_edge, 2u);
    EXPECT_EQ(done.log.traces.size(), 3u);
    EXPECT_EQ(done.log.invocations, 5u);
}

// One trace id for all, as a client may send it: by the monotonic clock alone the call of the second boot would have had the
// work of the first, which ran in the middle of it.
TEST(CallRecords, KnowThatAMachineBeganAnew) {
    const auto an_hour_before = [](Invocation i) {
        i.wall_start -= std::chrono::hours(1);
        return i;
    };
    const auto done = put_together({ran("f2", "front", 1000, 1200, "Root=1", {call("back", 10, 180, "Root=1")}),
                                    an_hour_before(ran("b1", "back", 1050, 1100, "Root=1")),
                                    an_hour_before(ran("f1", "front", 1040, 1110, "Root=1", {call("back", 5, 60, "Root=1")}))});
    EXPECT_EQ(edges(done.log), (std::vector<std::string>{"f1>b1", "f2>?"}));
    EXPECT_EQ(done.missing.by_order, 0u);
}

TEST(CallRecords, CountWhatTheyDoNotUse) {
    Invocation http = ran("h", "GET /", 0, 1, ""), held = ran("d", "front", 0, 1, ""), shed = ran("s", "front", 10, 20, ""),
               old = ran("o", "front", 30, 40, "");
    http.boundary = Boundary::http, held.held = true, shed.stands_for = 5, old.calls_are_known = false, old.calls_not_kept = 2;
    const auto done = put_together({http, held, shed, old, ran("s", "front", 50, 60, "")});
    EXPECT_EQ(done.log.invocations, 3u);
    EXPECT_EQ(done.log.traces[2].invocations[0].id, "s#2");  // tried again
    EXPECT_EQ(done.missing.elsewhere, 1u);
    EXPECT_EQ(done.missing.not_ended, 1u);
    EXPECT_EQ(done.missing.not_told, 4u);
    EXPECT_EQ(done.missing.without_calls, 1u);
    EXPECT_EQ(done.missing.calls_not_kept, 2u);
    EXPECT_TRUE(done.log.traces[0].invocations[0].calls_known);
    EXPECT_FALSE(done.log.traces[1].invocations[0].calls_known);
}

TEST(CallRecords, HoldNoMoreThanTheyMay) {
    CallRecords records({.invocations = 2});
    EXPECT_TRUE(records.add(ran("a", "f", 20, 30, "")));
    EXPECT_TRUE(records.add(ran("b", "f", 10, 20, "")));
    EXPECT_FALSE(records.add(ran("c", "f", 0, 10, "")));
    const auto done = std::move(records).finish();
    EXPECT_EQ(done.log.invocations, 2u);
}

[[maybe_unused]] std::size_t held_now() {
    const struct mallinfo2 now = mallinfo2();
    return now.uordblks + now.hblkhd;  // what is large is mapped by itself
}

// Few invocations, each of as many calls as a record holds: by their number there would be room for a thousand times as much.
TEST(CallRecords, HoldNoMoreBytesThanTheyMay) {
    constexpr CallBounds kMost{.bytes = std::size_t{8} << 20};
    std::vector<Invocation> all;
    for (int n = 0; n < 200; ++n) {
        const std::string id = "an-invocation-with-a-long-id-" + std::to_string(n), trace = "Root=" + std::to_string(n + 1);
        std::vector<FunctionCall> calls;
        for (int c = 0; c < 200; ++c) {
            const std::string callee = "function-" + std::to_string(n) + "-" + std::to_string(c);
            calls.push_back(call(callee, 10 * c, 8, trace));
            all.push_back(ran(id + "-" + std::to_string(c), callee, 3000 * n + 10 * c + 1, 3000 * n + 10 * c + 6, trace));
        }
        all.push_back(ran(id, "front", 3000 * n, 3000 * n + 2500, trace, std::move(calls)));
    }
    [[maybe_unused]] const std::size_t before = held_now();
    CallRecords records(kMost);
    std::size_t added = 0;
    while (added < all.size() && records.add(all[added])) ++added;
    EXPECT_GT(added, 1'000u);
    EXPECT_LT(added, all.size());
    EXPECT_LE(records.bytes(), kMost.bytes);
    const auto done = std::move(records).finish();  // what it was made of is still there
    EXPECT_GT(done.log.invocations, 1'000u);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose heaps are their own
    const std::size_t held = held_now() - before;
    EXPECT_LT(held, kMost.bytes);
    EXPECT_GT(held, kMost.bytes / 4) << "or the bound would be one of something else";
#endif
}

TEST(CallRecords, SayHowManyOlderOnesTheyHadNoRoomFor) {
    const std::filesystem::path state = std::filesystem::path(::testing::TempDir()) / "call_records";
    std::filesystem::remove_all(state);
    std::filesystem::create_directories(state);
    auto store = SqliteStore::open(store_file(state));
    ASSERT_TRUE(store) << store.error().message;
    std::vector<Invocation> all;
    for (int n = 0; n < 10; ++n) all.push_back(ran(std::to_string(n), "front", 1000 * n, 1000 * n + 5, ""));
    ASSERT_TRUE((*store)->append(all));
    const auto not_read = [&](Nanos last, CallBounds most) { return read_call_records(state, last, most)->missing.not_read; };
    EXPECT_EQ(not_read(Nanos(0), {.invocations = 4}), 6u);
    EXPECT_EQ(not_read(Nanos(0), {.bytes = 1}), 10u);
    EXPECT_EQ(not_read(std::chrono::seconds(5), {.invocations = 4}), 2u) << "of those that were asked for";
    EXPECT_EQ(not_read(std::chrono::seconds(3), {.invocations = 4}), 0u);
    EXPECT_EQ(missing_text({.not_read = 6}), "\nof the records: 6 older ones for which there was no room: --last says how far back");
    std::filesystem::remove_all(state);
}

TEST(CallRecords, AreReadAgainAsTheyWereWritten) {
    Invocation front = ran("f", "front", 0, 100, "Root=1", {call("back", 10, 60, "Root=1")});
    front.memory_peak = 40u << 20u, front.time_limit = std::chrono::seconds(3);
    front.thread.wall = milliseconds(100), front.thread.on_cpu = milliseconds(7);
    front.thread.off_cpu[static_cast<std::size_t>(WaitCause::run_queue)] = milliseconds(2);
    const auto done = put_together({ran("b", "back", 20, 60, "Root=1"), front});  // the newest is read first
    const std::string lines = replay_lines(done.log, 0);
    rules::ReplayReader reader;
    ASSERT_TRUE(reader.feed(lines));
    const auto read = reader.finish();
    ASSERT_TRUE(read) << read.error().message;
    const auto& one = read->traces.at(0).invocations.at(0);
    EXPECT_EQ(one.peak_mb, 40);
    EXPECT_EQ(one.timeout_ms, 3000);
    EXPECT_EQ(one.cpu_ms, 9);
    EXPECT_EQ(replay_lines(*read, 0), lines);
    EXPECT_EQ(read->functions, done.log.functions);  // or groups would be told in another order
}

}  // namespace
}  // namespace autotune::cli
