#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>

#include "analyzer/trace/trace_builder.hpp"

namespace autotune {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

// Events of one process written down, and the trace they make.
class Story {
public:
    Story& at(Nanos when) { return now_ = Timestamp(when), *this; }
    Story& on(std::int32_t thread) { return thread_ = ThreadId(thread), *this; }
    Story& call(const char* name, Nanos duration, std::uint32_t depth, CallEnd how = CallEnd::returned,
                FrameKind kind = FrameKind::python) {
        return put(CallDone{.function = function(name, kind), .depth = depth, .how = how, .duration = duration},
                   Backend::runtime);
    }
    Story& short_call(const char* name, Nanos duration, Nanos bias, std::uint32_t depth) {
        return put(
            CallDone{.function = function(name), .depth = depth, .duration = duration, .bias = bias});
    }
    Story& totals(const char* name, std::uint64_t calls, Nanos total, Nanos self, Nanos bias = Nanos(0),
                  Nanos spread = Nanos(0)) {
        return put(CallTotals{.function = function(name),
                              .calls = calls,
                              .total = total,
                              .self = self,
                              .bias = bias,
                              .spread = spread},
                   Backend::runtime);
    }
    Story& read(const char* path, std::int64_t bytes, Nanos latency, Nanos waited = Nanos(0)) {
        return put(IoDone{.op = IoOp::read,
                          .fd = 3,
                          .result = bytes,
                          .latency = latency,
                          .waited = waited,
                          .path = text(path)});
    }
    Story& wait(WaitCause cause, Nanos duration) { return put(OffCpu{.duration = duration, .cause = cause}); }
    Story& start(const char* id) {
        return put(InvocationStarted{.id = InvocationId(id), .function = text("f")});
    }
    Story& end(const char* id) { return put(InvocationEnded{.id = InvocationId(id)}); }
    Story& lost(std::uint64_t count) { return put(Lost{.kind = LossKind::ring_full, .count = count}); }

    Trace trace(TraceOptions options = {}) {
        TraceBuilder builder(options);
        builder.ingest(batch);
        batch.events.clear();
        return builder.finish(batch);
    }
    // "name×count" with children in brackets.
    std::string shape(const Trace& trace, std::uint32_t first) {
        std::string out;
        for (std::uint32_t n = first; n != kNoNode; n = trace.nodes[n].next) {
            const TraceNode& node = trace.nodes[n];
            std::string name;
            switch (node.deed.kind) {
                case DeedKind::call:
                    name = batch.tables.strings[batch.tables.frames[node.deed.function].name];
                    break;
                case DeedKind::io: name = "read " + std::string(batch.tables.strings[node.deed.text]); break;
                case DeedKind::wait: name = "wait"; break;
                case DeedKind::folded: name = "folded"; break;
                default: name = "thread"; break;
            }
            if (node.count > 1) name += "×" + std::to_string(node.count);
            if (node.first_child != kNoNode) name += "(" + shape(trace, node.first_child) + ")";
            out += (out.empty() ? "" : " ") + name;
        }
        return out;
    }

    EventBatch batch;

private:
    Story& put(EventBody body, Backend by = Backend::bpf) {
        batch.events.push_back({.at = now_, .process = {100, 5}, .thread = thread_, .by = by, .body = body});
        return *this;
    }
    StringId text(const char* s) { return batch.tables.strings.intern(s); }
    FrameId function(const char* name, FrameKind kind = FrameKind::python) {
        return batch.tables.frames.intern({.name = text(name), .kind = kind});
    }
    Timestamp now_;
    ThreadId thread_{100};
};

TEST(Trace, NestsCallsAndPutsDeedsBeneathTheCallThatDidThem) {
    Story s;
    s.at(20ms).call("inner", 5ms, 1).at(30ms).read("/etc/hosts", 10, 2ms).at(40ms).call("outer", 35ms, 0);
    s.at(50ms).read("/etc/passwd", 20, 1ms);
    const Trace t = s.trace();
    ASSERT_EQ(t.processes.size(), 1u);
    EXPECT_EQ(s.shape(t, t.processes[0].tree), "thread(outer(inner read /etc/hosts) read /etc/passwd)");
}

// Without what its probe and that of its callee added, the caller seems to begin when the callee has ended.
TEST(Trace, NestsCallsThatAreShorterThanTheirProbes) {
    Story s;
    s.at(1'900ns).short_call("before", 10ns, 400ns, 1).at(3'000ns).short_call("leaf", 10ns, 900ns, 1);
    s.at(4'000ns).short_call("caller", 30ns, 1'950ns, 0);
    const Trace t = s.trace();
    EXPECT_EQ(s.shape(t, t.processes[0].tree), "thread(before caller(leaf))");
}

TEST(Trace, TellsHowGoodTheDurationsOfNativeCallsAre) {
    Story s;
    s.at(4'000ns).short_call("caller", 30ns, 1'950ns, 0).short_call("caller", 30ns, 900ns, 0);
    s.totals("caller", 2, 60ns, 60ns, 700ns, 80ns);
    const Trace t = s.trace();
    ASSERT_EQ(t.functions.size(), 1u);
    EXPECT_EQ(t.functions[0].bias, 700ns);
    EXPECT_EQ(t.functions[0].spread, 80ns);
}

TEST(Trace, TellsEqualSiblingsAsOne) {
    Story s;
    for (int i = 0; i < 1'234; ++i) s.at(Nanos(10'000 * (i + 1))).call("leaf", 1us, 1);
    s.at(100ms).call("loop", 100ms, 0);
    const Trace t = s.trace();
    EXPECT_EQ(s.shape(t, t.processes[0].tree), "thread(loop(leaf×1234))");
}

TEST(Trace, PutsAWaitBeneathTheReadThatWaited) {
    Story s;
    s.at(9ms).wait(WaitCause::disk, 7ms).at(10ms).read("/data", 4096, 9ms);
    const Trace t = s.trace();
    EXPECT_EQ(s.shape(t, t.processes[0].tree), "thread(read /data(wait))");
    EXPECT_EQ(t.waits[static_cast<std::size_t>(WaitCause::disk)].duration, 7ms);
}

TEST(Trace, ShowsThreadsInTheOrderInWhichTheyBegan) {
    Story s;
    s.at(5ms).read("/main", 1, 1ms).on(101).at(20ms).read("/second", 1, 1ms);
    const Trace t = s.trace();
    EXPECT_EQ(s.shape(t, t.processes[0].tree), "thread(read /main) thread(read /second)");
    EXPECT_EQ(t.nodes[t.processes[0].tree].first, from_ns(4'000'000));
}

TEST(Trace, NestsCallsOfTwoRuntimesByTime) {
    Story s;
    s.at(20ms).call("in_c", 5ms, 0, CallEnd::returned, FrameKind::native).at(30ms).call("in_python", 20ms, 0);
    const Trace t = s.trace();
    EXPECT_EQ(s.shape(t, t.processes[0].tree), "thread(in_python(in_c))");
}

TEST(Trace, LeavesWhatWasWaitedForBeforeTheCallToWhoWaited) {
    Story s;
    s.at(60ms).wait(WaitCause::network, 50ms).at(61ms).call("select", 55ms, 1);
    s.at(70ms).read("/dev/pipe", 1, 52ms, 50ms).at(71ms).call("take", 5ms, 1).at(80ms).call("serve", 79ms, 0);
    const Trace t = s.trace();
    EXPECT_EQ(s.shape(t, t.processes[0].tree), "thread(serve(select(wait) take(read /dev/pipe)))");
    const auto read =
        std::ranges::find_if(t.nodes, [](const TraceNode& n) { return n.deed.kind == DeedKind::io; });
    EXPECT_EQ(read->total, 2ms);
    EXPECT_EQ(t.files.at(0).wait, 52ms);
}

TEST(Trace, GivesAnInvocationWhatItsProcessDidMeanwhile) {
    Story s;
    s.at(5ms).read("/before", 1, 1ms).at(10ms).start("1").at(15ms).read("/during", 1, 1ms).at(20ms).end("1");
    s.at(25ms).read("/after", 1, 1ms);
    const Trace t = s.trace();
    ASSERT_EQ(t.invocations.size(), 1u);
    EXPECT_EQ(s.shape(t, t.invocations[0].tree), "thread(read /during)");
    EXPECT_EQ(s.shape(t, t.processes[0].tree), "thread(read /before read /after)");
}

TEST(Trace, MarksWhatCouldBeOfEitherOfTwoOverlappingInvocations) {
    Story s;
    s.on(1).at(10ms).start("1").on(2).at(11ms).start("2");
    s.on(1)
        .at(12ms)
        .read("/one", 1, 1ms)
        .on(2)
        .at(13ms)
        .read("/two", 1, 1ms)
        .on(3)
        .at(14ms)
        .read("/whose", 1, 1ms);
    s.on(1).at(20ms).end("1").on(2).at(21ms).end("2");
    const Trace t = s.trace();
    ASSERT_EQ(t.invocations.size(), 2u);
    EXPECT_EQ(s.shape(t, t.invocations[0].tree), "thread(read /one)");
    EXPECT_EQ(s.shape(t, t.invocations[1].tree), "thread(read /two)");
    EXPECT_EQ(t.invocations[0].ambiguous, 1u);
    EXPECT_EQ(t.invocations[1].ambiguous, 1u);
}

TEST(Trace, BelievesTotalsWhereSingleCallsWereShed) {
    Story s;
    s.at(10ms)
        .call("hot", 1ms, 0)
        .at(11ms)
        .call("hot", 1ms, 0, CallEnd::raised)
        .totals("hot", 1'000'000, 3s, 2s)
        .lost(5);
    const Trace t = s.trace();
    ASSERT_EQ(t.functions.size(), 1u);
    EXPECT_EQ(t.functions[0].calls, 1'000'000u);
    EXPECT_EQ(t.functions[0].seen, 2u);
    EXPECT_EQ(t.functions[0].raised, 1u);
    EXPECT_EQ(t.functions[0].total, 3s);
    EXPECT_EQ(t.functions[0].self, 2s);
    EXPECT_EQ(t.lost[static_cast<std::size_t>(LossKind::ring_full)], 5u);
}

TEST(Trace, CountsARecursiveCallInItsOutermostOnly) {
    Story s;
    s.at(3ms).call("fib", 1ms, 2).at(4ms).call("fib", 3ms, 1).at(5ms).call("fib", 5ms, 0);
    const Trace t = s.trace();
    ASSERT_EQ(t.functions.size(), 1u);
    EXPECT_EQ(t.functions[0].calls, 3u);
    EXPECT_EQ(t.functions[0].total, 5ms);
    EXPECT_EQ(t.functions[0].self, 5ms);
}

TEST(Trace, FoldsWhatIsTooMuchAndSaysSo) {
    Story s;
    std::vector<std::string> names;
    for (int i = 0; i < 5'000; ++i) names.push_back("/file/" + std::to_string(i));
    for (int i = 0; i < 5'000; ++i)
        s.at(Nanos(1'000 * (i + 1))).read(names[static_cast<std::size_t>(i)].c_str(), 2, 1us);
    const Trace t = s.trace({.nodes = 100});
    EXPECT_GT(t.folded, 4'000u);
    EXPECT_LT(t.nodes.size(), 1'000u);
    std::uint64_t bytes = 0, files = 0;
    for (const FileUse& f : t.files) bytes += f.bytes_read, ++files;
    EXPECT_EQ(bytes, 10'000u);
    EXPECT_EQ(files, 5'000u);
}

}  // namespace
}  // namespace autotune
