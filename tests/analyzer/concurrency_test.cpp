// Several invocations at once in one process: whose is what, in records and in trees.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "analyzer/trace/trace_builder.hpp"
#include "tests/analyzer/event_script.hpp"

namespace autotune {
namespace {

using namespace testing;

const std::string kTraceA = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const std::string kTraceACalls = "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01";
const std::string kTraceB = "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1";
const Endpoint kClient = ipv4_endpoint(10, 0, 0, 1, 40'000);

class Concurrency : public ::testing::Test {
protected:
    void SetUp() override { s.at(1ms).process(server, 1, "server"); }

    EventScript& send_for(const Box& who, std::int32_t fd, std::int64_t bytes, std::string_view context) {
        return s.io(who, {.op = IoOp::send, .fd = fd, .result = bytes, .latency = 1us, .peer = kDatabase,
                          .trace_context = s.text(context)});
    }
    EventScript& read(const Box& who, std::string_view path) {
        return s.io(who, {.op = IoOp::read, .fd = 9, .result = 1, .latency = 1us, .path = s.text(path)});
    }
    void play() {
        Analyzer analyzer;
        TraceBuilder builder;
        builder.ingest(s.batch);
        analyzer.finish(s.batch, s.now());
        counters = analyzer.counters();
        for (Invocation& i : analyzer.take_finished()) records[i.id.str()] = std::move(i);
        s.batch.events.clear();
        trace = builder.finish(s.batch);
        for (const TracedInvocation& i : trace.invocations) trees[i.record.id.str()] = &i;
    }
    [[nodiscard]] std::uint64_t sent(const char* id) {
        std::uint64_t bytes = 0;
        for (const PeerIo& peer : records.at(id).peers) bytes += peer.bytes_sent;
        return bytes;
    }
    [[nodiscard]] std::vector<std::string> files(const char* id) {
        std::vector<std::string> all;
        for (const FileIo& file : records.at(id).files) all.push_back(file.path);
        return all;
    }
    // Deeds beneath the threads of its tree.
    [[nodiscard]] std::uint64_t deeds(const char* id) {
        std::uint64_t count = 0;
        for (std::uint32_t t = trees.at(id)->tree; t != kNoNode; t = trace.nodes[t].next)
            for (std::uint32_t n = trace.nodes[t].first_child; n != kNoNode; n = trace.nodes[n].next)
                count += trace.nodes[n].count;
        return count;
    }

    EventScript s;
    Box server = EventScript::sandbox(7, 100, "");
    std::map<std::string, Invocation> records;
    std::map<std::string, const TracedInvocation*> trees;
    Trace trace;
    AnalyzerCounters counters;
};

using Files = std::vector<std::string>;

TEST_F(Concurrency, GivesAThreadsDeedsToTheRequestThatItServes) {
    s.at(10ms).on(1).serve(server, "A", 5).at(11ms).on(2).serve(server, "B", 6);
    s.at(12ms).on(1);
    read(server, "/a");
    s.at(13ms).on(2);
    read(server, "/b");
    s.at(20ms).on(1).end(server, "A").at(21ms).on(2).end(server, "B");
    play();
    EXPECT_EQ(files("A"), Files{"/a"});
    EXPECT_EQ(files("B"), Files{"/b"});
    EXPECT_EQ(records.at("A").io_ambiguous, 0u);
    EXPECT_TRUE(records.at("A").usage_is_shared);
    EXPECT_EQ(records.at("A").function.provider, "http");
    EXPECT_EQ(records.at("A").status, InvocationStatus::ok);
    EXPECT_EQ(deeds("A"), 1u);
    EXPECT_EQ(deeds("B"), 1u);
}

TEST_F(Concurrency, CountsWhatAnotherThreadDidAsAmbiguousOnAllThatWereOpen) {
    s.at(10ms).on(1).serve(server, "A", 5).at(11ms).on(2).serve(server, "B", 6);
    s.at(12ms).on(3);
    read(server, "/whose");
    s.at(20ms).on(1).end(server, "A").at(21ms).on(2).end(server, "B");
    play();
    for (const char* id : {"A", "B"}) {
        EXPECT_EQ(records.at(id).io_ambiguous, 1u);
        EXPECT_TRUE(files(id).empty());
        EXPECT_EQ(trees.at(id)->ambiguous, 1u);
        EXPECT_EQ(deeds(id), 0u);
    }
}

TEST_F(Concurrency, OnOneThreadFollowsTheConnectionAndTheTraceAndGuessesNothing) {
    s.at(10ms).serve(server, "A", 5, kTraceA).at(11ms).serve(server, "B", 6, kTraceB);
    s.at(12ms);
    send_for(server, 8, 100, kTraceACalls);  // a call out, as A
    s.at(13ms);
    send_for(server, 9, 70, "Root=1-67891233-abcdef012345678912345678;Parent=1;Sampled=1");  // as B
    s.at(14ms);
    read(server, "/whose");
    s.at(15ms).send(server, 6, 3, kClient, 1us);  // the answer of B: no peer of its own
    s.at(16ms).end(server, "B").at(17ms);
    read(server, "/a");  // A is alone on the thread again
    s.at(20ms).end(server, "A");
    play();
    EXPECT_EQ(sent("A"), 100u);
    EXPECT_EQ(sent("B"), 70u);
    EXPECT_EQ(files("A"), Files{"/a"});
    EXPECT_EQ(records.at("A").io_ambiguous, 1u);
    EXPECT_EQ(records.at("B").io_ambiguous, 1u);
    EXPECT_EQ(trees.at("A")->ambiguous, 1u);
    EXPECT_EQ(deeds("A"), 2u);
    EXPECT_EQ(deeds("B"), 2u);
}

TEST_F(Concurrency, OfTwoRequestsOfOneTraceFollowsNeither) {
    s.at(10ms).serve(server, "A", 5, kTraceA).at(11ms).serve(server, "B", 6, kTraceACalls).at(12ms);
    send_for(server, 8, 100, kTraceA);
    s.at(20ms).end(server, "A").end(server, "B");
    play();
    EXPECT_EQ(sent("A") + sent("B"), 0u);
    EXPECT_EQ(records.at("A").io_ambiguous, 1u);
}

TEST_F(Concurrency, GivesAllThreadsToTheOnlyRequestOfAServerThatServesOnOneThread) {
    s.at(10ms).on(1).serve(server, "A", 5).at(11ms).on(3);
    read(server, "/helper");
    s.at(12ms).on(1).accept(server, 6, kDatabase, kClient);  // the next client's
    s.at(20ms).end(server, "A");
    play();
    EXPECT_EQ(files("A"), Files{"/helper"});
    EXPECT_EQ(deeds("A"), 1u);
}

TEST_F(Concurrency, LeavesWhatAThreadDoesAfterItsAnswerToNobody) {
    s.at(10ms).on(1).serve(server, "A", 5).at(11ms).end(server, "A");
    s.at(12ms).on(2).serve(server, "B", 6).at(13ms).on(1);
    read(server, "/log of A");
    s.at(14ms).on(3);
    read(server, "/whose");
    s.at(20ms).on(2).end(server, "B");
    play();
    EXPECT_TRUE(files("B").empty());
    EXPECT_EQ(records.at("B").io_ambiguous, 1u);  // the third thread's
    EXPECT_EQ(trees.at("B")->ambiguous, 1u);
}

TEST_F(Concurrency, DoesNotTrustThreadsWhereAnotherOneAnswers) {
    s.at(10ms).on(1).serve(server, "A", 5).at(11ms).on(2).end(server, "A");
    s.at(12ms).on(1).serve(server, "B", 5).at(13ms).on(2).serve(server, "C", 6).at(14ms).on(1);
    read(server, "/whose");
    s.at(20ms).on(1).end(server, "B").at(21ms).on(2).end(server, "C");
    s.at(30ms).on(1).serve(server, "D", 5).at(31ms).on(2);
    read(server, "/d");
    s.at(40ms).on(1).end(server, "D");
    play();
    EXPECT_EQ(records.at("B").io_ambiguous, 1u);
    EXPECT_EQ(records.at("C").io_ambiguous, 1u);
    EXPECT_EQ(files("D"), Files{"/d"});  // alone
}

TEST_F(Concurrency, GivesAChildToTheRequestWhoseThreadForkedIt) {
    const Box child = EventScript::child(server, 200), grandchild = EventScript::child(server, 300);
    s.at(10ms).on(1).serve(server, "A", 5).at(11ms).on(2).serve(server, "B", 6);
    s.at(12ms).on(200).fork(child, server, 2).at(13ms);
    read(child, "/b");
    s.at(14ms).on(300).fork(grandchild, child, 200).at(15ms);
    read(grandchild, "/b too");
    s.at(20ms).on(1).end(server, "A").at(21ms).on(2).end(server, "B").at(22ms).on(200);
    read(child, "/after");
    play();
    EXPECT_EQ(files("B"), (Files{"/b", "/b too"}));
    EXPECT_EQ(records.at("A").io_ambiguous, 0u);
    EXPECT_EQ(deeds("B"), 2u);
}

TEST_F(Concurrency, TellsWorkersOfOneServerApart) {
    const Box other = EventScript::child(server, 200);
    s.at(2ms).on(200).fork(other, server, 100);
    s.at(10ms).on(100).serve(server, "A", 5).at(11ms).on(200).serve(other, "B", 5).at(12ms);
    read(other, "/b");
    s.at(13ms).killed(other, 9).at(20ms).on(100).end(server, "A");
    play();
    EXPECT_EQ(files("B"), Files{"/b"});
    EXPECT_EQ(records.at("B").status, InvocationStatus::crash);
    EXPECT_EQ(records.at("B").error_type, "signal 9");
    EXPECT_EQ(records.at("A").status, InvocationStatus::ok);
    EXPECT_FALSE(records.at("A").usage_is_shared);
}

TEST_F(Concurrency, KilledServerCrashesAllThatItServes) {
    s.at(10ms).on(1).serve(server, "A", 5).at(11ms).on(2).serve(server, "B", 6).at(12ms).killed(server, 9);
    play();
    for (const char* id : {"A", "B"}) EXPECT_EQ(records.at(id).status, InvocationStatus::crash) << id;
}

TEST_F(Concurrency, ClosesWhatIsOpenWhenItsConnectionBringsAnother) {
    s.at(10ms).on(1).serve(server, "A", 5).at(20ms).serve(server, "B", 5).at(30ms).end(server, "B");
    play();
    EXPECT_EQ(records.at("A").status, InvocationStatus::unknown);
    EXPECT_EQ(records.at("A").duration, 10ms);
    EXPECT_EQ(counters.missing_ends, 1u);
    EXPECT_EQ(trace.invocations.size(), 2u);
}

TEST_F(Concurrency, GivesARequestTheFunctionThatAnsweredItNotTheOneThatReceivedIt) {
    const auto call = [&](const char* name, Nanos duration, std::uint32_t depth) {
        const FrameId function = s.batch.tables.frames.intern({.name = s.text(name)});
        s.add(server, CallDone{.function = function, .depth = depth, .duration = duration});
    };
    s.at(10ms).serve(server, "A", 5).at(12ms);
    read(server, "/a");
    s.at(15ms).end(server, "A").at(16ms);
    call("log", 500us, 2);
    s.at(17ms);
    call("handler", 6ms, 1);
    s.at(20ms);
    call("receive and handle", 15ms, 0);
    play();
    ASSERT_EQ(deeds("A"), 1u);
    const TraceNode& handler = trace.nodes[trace.nodes[trees.at("A")->tree].first_child];
    EXPECT_EQ(handler.deed.kind, DeedKind::call);
    EXPECT_EQ(handler.total, 6ms);
    EXPECT_NE(handler.first_child, kNoNode);  // the read, the log
    EXPECT_EQ(trees.at("A")->record.duration, 5ms);
    ASSERT_EQ(trace.processes.size(), 1u);
    const TraceNode& outer = trace.nodes[trace.nodes[trace.processes[0].tree].first_child];
    EXPECT_EQ(outer.total, 15ms);
    EXPECT_EQ(outer.first_child, kNoNode);
}

TEST_F(Concurrency, OfAnActionIsOfItsProvider) {
    s.at(5ms).ready(server).at(10ms).serve(server, "A", 5, {}, Boundary::openwhisk).at(20ms).end(server, "A");
    play();
    EXPECT_EQ(records.at("A").function, (FunctionRef{"openwhisk", "GET /"}));
    EXPECT_EQ(records.at("A").boundary, Boundary::openwhisk);
    EXPECT_TRUE(records.at("A").cold);
    EXPECT_EQ(records.at("A").init, 4ms);
}

}  // namespace
}  // namespace autotune
