// Who called whom, on whose behalf: by owners of both ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "analyzer/owner/owner_topology.hpp"
#include "analyzer/owner/call_joiner.hpp"
#include "analyzer/topology/requests/owner_resolver.hpp"
#include "tests/analyzer/event_script.hpp"

namespace autotune {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kTraceA = "Root=1-67891233-aaaaaaaaaaaaaaaaaaaaaaaa";
const std::string kTraceB = "Root=1-67891233-bbbbbbbbbbbbbbbbbbbbbbbb";
constexpr Endpoint at_port(std::uint16_t port) {
    return {.address = {127, 0, 0, 1}, .port = port, .family = AddressFamily::ipv4};
}
Endpoint client_port(int n) { return at_port(static_cast<std::uint16_t>(40'000 + n)); }

class Owners : public ::testing::Test {
protected:
    // An exchange that ends now and took so long.
    EventScript& http(const Box& who, Side side, const Endpoint& local, const Endpoint& peer, std::string_view path, Nanos took,
                      std::uint16_t status = 200, std::string_view trace = {}, std::string_view method = "GET") {
        return s.add(who, HttpDone{.side = side, .status = status, .method = s.text(method), .path = s.text(path),
                                   .trace_context = s.text(trace), .latency = took, .duration = took, .request_bytes = 10,
                                   .response_bytes = 20, .local = local, .peer = peer});
    }
    OwnerGraph play(const JoinResolver& resolver = {}) {
        OwnerTopology topology;
        topology.ingest(s.batch);
        s.batch.events.clear();
        return topology.finish(s.batch, resolver);
    }
    [[nodiscard]] Nanos time() const { return s.now().at.time_since_epoch(); }
    static std::string edge(const OwnerGraph& graph, const OwnerEdge& e) {
        return graph.nodes[e.from].service.name + " > " + graph.nodes[e.to].service.name + " " + std::to_string(e.calls);
    }
    static std::vector<std::string> edges(const OwnerGraph& graph) {
        std::vector<std::string> all;
        for (const OwnerEdge& e : graph.edges) all.push_back(edge(graph, e));
        return all;
    }
    static std::string parent(const OwnerGraph& graph, std::size_t call) {
        const std::size_t work = graph.calls.at(call).parent;
        return work == kNone ? "nobody" : graph.works[work].id.str();
    }

    EventScript s;
    Box server = EventScript::sandbox(3, 300, "");
};

TEST_F(Owners, TellApartFunctionsOnOneAddressThatKeepTheirConnections) {
    const Box cart = s.sandbox(7, 100, "cart"), pay = s.sandbox(8, 200, "pay");
    s.at(1ms).born(cart).born(pay).process(server, 1, "store");
    s.start(cart, "c1").start(pay, "p1");
    // Both keep one connection to the store; nobody saw it made.
    s.at(5ms);
    http(cart, Side::client, client_port(1), at_port(8080), "/a", 2ms);
    http(pay, Side::client, client_port(2), at_port(8080), "/b", 2ms);
    s.at(6ms);
    http(server, Side::server, at_port(8080), client_port(1), "/a", 3ms);
    http(server, Side::server, at_port(8080), client_port(2), "/b", 3ms);
    s.at(10ms).end(cart, "c1").end(pay, "p1").start(cart, "c2");
    s.at(15ms);
    http(cart, Side::client, client_port(1), at_port(8080), "/a", 2ms);
    s.at(20ms).end(cart, "c2");
    const OwnerGraph graph = play();
    EXPECT_THAT(edges(graph), ElementsAre("cart > store:8080 2", "pay > store:8080 1"));
    EXPECT_EQ(parent(graph, 0), "c1");
    EXPECT_EQ(parent(graph, 1), "p1");
    EXPECT_EQ(parent(graph, 2), "c2");
    EXPECT_EQ(graph.calls[0].by, JoinBy::only);
}

TEST_F(Owners, LinkAnInvocationThroughTheApiToTheCallThatAskedForIt) {
    const Box a = s.sandbox(7, 100, "a"), b1 = s.sandbox(8, 200, "b"), b2 = s.sandbox(9, 201, "b");
    s.at(1ms).born(a).born(b1).born(b2);
    s.start(a, "a1", {.trace = "Root=1-1-1"});
    s.at(2ms).start(b1, "mine", {.trace = kTraceA}).start(b2, "anothers", {.trace = kTraceB});
    s.at(5ms).end(b1, "mine").end(b2, "anothers");
    s.at(6ms);
    http(a, Side::client, client_port(1), at_port(9000), "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Ab/invocations",
         5ms, 200, kTraceA, "POST");
    s.at(7ms).end(a, "a1");
    const OwnerGraph graph = play();
    EXPECT_THAT(edges(graph), ElementsAre("a > b 1"));
    EXPECT_TRUE(graph.edges[0].by_path);
    ASSERT_NE(graph.calls[0].child, kNone);
    EXPECT_EQ(graph.works[graph.calls[0].child].id.str(), "mine");
    EXPECT_EQ(graph.works[graph.calls[0].child].asked_by, 0u);
    EXPECT_EQ(parent(graph, 0), "a1");
}

TEST_F(Owners, BelieveNoneOfTwoInvocationsThatOneTraceFits) {
    const Box a = s.sandbox(7, 100, "a"), b1 = s.sandbox(8, 200, "b"), b2 = s.sandbox(9, 201, "b");
    s.at(1ms).born(a).born(b1).born(b2).start(a, "a1", {.trace = kTraceA});
    s.at(2ms).start(b1, "x", {.trace = kTraceA}).start(b2, "y", {.trace = kTraceA});
    s.at(5ms).end(b1, "x").end(b2, "y");
    s.at(6ms);
    http(a, Side::client, client_port(1), at_port(9000), "/2015-03-31/functions/b/invocations", 5ms, 200, kTraceA, "POST");
    const OwnerGraph graph = play();
    EXPECT_EQ(graph.calls[0].child, kNone);
}

class Concurrent : public Owners {
protected:
    void SetUp() override {
        s.at(1ms).process(server, 1, "app");
        s.on(11).serve(server, "one", 5, kTraceA);
        s.at(2ms).on(12).serve(server, "two", 6, kTraceB);
        s.at(5ms);
    }
    void call(std::int32_t thread, std::string_view trace = {}) {
        s.on(thread);
        http(server, Side::client, client_port(1), ipv4_endpoint(10, 0, 0, 9, 80), "/x", 2ms, 200, trace);
    }
};

TEST_F(Concurrent, ByThread) {
    call(12);
    const OwnerGraph graph = play();
    EXPECT_EQ(parent(graph, 0), "two");
    EXPECT_EQ(graph.calls[0].by, JoinBy::thread);
}

TEST_F(Concurrent, ByTraceWhereNoThreadTells) {
    call(77, kTraceA);
    const OwnerGraph graph = play();
    EXPECT_EQ(parent(graph, 0), "one");
    EXPECT_EQ(graph.calls[0].by, JoinBy::trace);
}

TEST_F(Concurrent, ElseItIsAmbiguousAndGivenToNone) {
    call(77);
    const OwnerGraph graph = play();
    EXPECT_EQ(parent(graph, 0), "nobody");
    EXPECT_EQ(graph.calls[0].by, JoinBy::ambiguous);
    EXPECT_THAT(graph.calls[0].candidates, ElementsAre(0u, 1u));
    EXPECT_EQ(graph.ambiguous, 1u);
}

TEST_F(Concurrent, AResolverDecidesAmongTheCandidatesOnly) {
    call(77);
    call(78);
    const OwnerGraph graph = play([](const OwnerGraph& g, const std::vector<std::size_t>& ambiguous) {
        EXPECT_EQ(ambiguous.size(), 2u);
        EXPECT_EQ(g.works.size(), 2u);
        return std::vector<JoinGuess>{{ambiguous[0], 1, 0.8}, {ambiguous[1], 99, 1.0}, {1'000, 0, 1.0}};
    });
    EXPECT_EQ(parent(graph, 0), "two");
    EXPECT_EQ(graph.calls[0].by, JoinBy::pattern);
    EXPECT_DOUBLE_EQ(graph.calls[0].confidence, 0.8);
    EXPECT_EQ(graph.calls[1].by, JoinBy::ambiguous);
    EXPECT_EQ(graph.ambiguous, 1u);
}

// An event loop: requests overlap, one thread serves them all, each asks a store a while after it came.
TEST_F(Owners, PatternsDecideWhatOverlapsOnOneThread) {
    constexpr int kRequests = 400;
    std::mt19937 random(3);
    std::uniform_int_distribution<int> between(300, 2'700), work(1'990, 2'010), store(900, 1'100);
    struct Made {
        Nanos at;
        int request;
        bool is_call, is_end;
        Nanos took;
    };
    std::vector<Made> all;
    Nanos begin = 1ms;
    for (int i = 0; i < kRequests; ++i) {
        begin += std::chrono::microseconds(between(random));
        const Nanos asks = begin + std::chrono::microseconds(work(random)), took = std::chrono::microseconds(store(random));
        all.push_back({begin, i, false, false, {}});
        all.push_back({asks + took, i, true, false, took});
        all.push_back({asks + took + 500us, i, false, true, {}});
    }
    std::ranges::stable_sort(all, {}, &Made::at);
    s.process(server, 1, "app");
    for (const Made& m : all) {
        const std::string id = "r" + std::to_string(m.request);
        s.at(m.at).on(11);
        if (m.is_call)
            http(server, Side::client, client_port(m.request), ipv4_endpoint(10, 0, 0, 9, 80), "/k/" + std::to_string(m.request),
                 m.took);
        else if (m.is_end)
            s.end(server, id);
        else
            s.serve(server, id, 100 + m.request);
    }
    const OwnerGraph graph = play(analysis::guess_by_pattern);
    int right = 0, by_pattern = 0, wrong_thread = 0;
    for (const OwnerCall& call : graph.calls) {
        by_pattern += call.by == JoinBy::pattern;
        wrong_thread += call.by != JoinBy::pattern && call.by != JoinBy::thread && call.by != JoinBy::ambiguous;
        if (call.parent != kNone) right += graph.works[call.parent].id.str() == "r" + call.path.substr(3);
        EXPECT_TRUE(call.by != JoinBy::pattern || call.confidence >= analysis::kLeastConfidence);
    }
    EXPECT_EQ(graph.calls.size(), std::size_t{kRequests});
    EXPECT_EQ(wrong_thread, 0);
    EXPECT_GT(by_pattern, kRequests / 3);
    EXPECT_GE(right, kRequests * 97 / 100) << by_pattern << " by pattern, " << graph.ambiguous << " ambiguous";
}

TEST_F(Concurrent, WhatAThreadMakesBetweenItsRequestsIsNobodys) {
    s.at(6ms).on(11).end(server, "one");
    s.at(20ms);
    call(11);
    const OwnerGraph graph = play();
    EXPECT_EQ(parent(graph, 0), "nobody");
    EXPECT_EQ(graph.calls[0].by, JoinBy::nothing);
}

TEST_F(Concurrent, ThreadsTellNothingWhereOthersAnswerThanReceive) {
    s.at(6ms).on(12).end(server, "one");
    s.at(7ms).on(11).serve(server, "three", 5);
    s.at(20ms);
    call(11);
    const OwnerGraph graph = play();
    EXPECT_EQ(graph.calls[0].by, JoinBy::ambiguous);
}

TEST_F(Owners, CountErrorsAndRetries) {
    const Box f = s.sandbox(7, 100, "f");
    s.at(1ms).born(f).start(f, "one");
    for (const std::uint16_t status : {503, 0, 200, 404}) {
        s.at(time() + 5ms);
        http(f, Side::client, client_port(1), ipv4_endpoint(10, 0, 0, 9, 80), "/x", 1ms, status);
    }
    s.at(50ms).end(f, "one").start(f, "two");
    const OwnerGraph graph = play();
    ASSERT_EQ(graph.edges.size(), 1u);
    EXPECT_EQ(graph.edges[0].calls, 4u);
    EXPECT_EQ(graph.edges[0].errors, 2u);
    EXPECT_EQ(graph.edges[0].retries, 2u);
    EXPECT_FALSE(graph.calls[0].retry);
    EXPECT_TRUE(graph.calls[2].retry);
}

TEST_F(Owners, ANewInvocationIsNoRetryOfTheOneBefore) {
    const Box f = s.sandbox(7, 100, "f");
    s.at(1ms).born(f).start(f, "one").at(5ms);
    http(f, Side::client, client_port(1), ipv4_endpoint(10, 0, 0, 9, 80), "/x", 1ms, 500);
    s.at(6ms).end(f, "one").at(7ms).start(f, "two").at(9ms);
    http(f, Side::client, client_port(1), ipv4_endpoint(10, 0, 0, 9, 80), "/x", 1ms, 500);
    EXPECT_EQ(play().edges[0].retries, 0u);
}

TEST_F(Owners, CallExternalPeersByTheirNames) {
    const Box f = s.sandbox(7, 100, "f");
    s.at(1ms).born(f).start(f, "one");
    s.add(f, NameResolved{.name = s.text("api.example.org"), .address = ipv4_endpoint(93, 184, 216, 34, 0)});
    s.at(5ms);
    http(f, Side::client, client_port(1), ipv4_endpoint(93, 184, 216, 34, 443), "/x", 1ms);
    const OwnerGraph graph = play();
    EXPECT_THAT(edges(graph), ElementsAre("f > api.example.org:443 1"));
}

TEST_F(Owners, TurnsWhereNobodySpeaksHttp) {
    const Box f = s.sandbox(7, 100, "f");
    s.at(1ms).born(f).start(f, "one");
    s.connect(f, 5, client_port(1), kDatabase);
    for (int i = 0; i < 20; ++i) {
        s.at(time() + 2ms).send(f, 5, 100, kDatabase);
        s.at(time() + 5ms).receive(f, 5, 30, kDatabase);
    }
    const OwnerGraph graph = play();
    ASSERT_EQ(graph.edges.size(), 1u);
    EXPECT_EQ(graph.edges[0].calls, 20u);
    EXPECT_EQ(graph.edges[0].bytes_sent, 2'000u);
    EXPECT_EQ(graph.edges[0].bytes_received, 600u);
    EXPECT_EQ(parent(graph, 19), "one");
}

TEST_F(Owners, AnAddressThatTwoAcceptOnNamesNobody) {
    const Box f = s.sandbox(7, 100, "f"), other = s.sandbox(4, 301, "");
    s.at(1ms).born(f).process(server, 1, "store").process(other, 1, "shop");
    s.at(2ms);
    http(server, Side::server, at_port(8080), client_port(90), "/", 1ms);
    http(other, Side::server, at_port(8080), client_port(91), "/", 1ms);
    http(f, Side::client, client_port(1), at_port(8080), "/", 1ms);
    s.at(9ms);
    http(f, Side::client, client_port(91), at_port(8080), "/", 1ms);  // this connection's other end was seen
    EXPECT_THAT(edges(play()), ElementsAre("f > 127.0.0.1:8080 1", "f > shop:8080 1"));
}

TEST_F(Owners, WhatThereIsNoRoomForIsCountedAndTheEdgeIsWhole) {
    OwnerTopology topology({.calls = 10, .works = 5});
    const Box f = s.sandbox(7, 100, "f");
    s.at(1ms).born(f);
    for (int i = 0; i < 30; ++i) {
        s.at(time() + 1ms).start(f, "i" + std::to_string(i)).at(time() + 2ms);
        http(f, Side::client, client_port(1), ipv4_endpoint(10, 0, 0, 9, 80), "/x", 1ms);
        s.at(time() + 1ms).end(f, "i" + std::to_string(i));
    }
    topology.ingest(s.batch);
    s.batch.events.clear();
    const OwnerGraph graph = topology.finish(s.batch);
    EXPECT_EQ(graph.edges.at(0).calls, 30u);
    EXPECT_EQ(graph.calls.size(), 10u);
    EXPECT_EQ(graph.calls_not_kept, 20u);
    EXPECT_EQ(graph.works_not_kept, 25u);
}

// Where it is quiet no later event says that the last ones may be told.
TEST_F(Owners, WhatIsToldSoFarIsAllThatIsOldEnough) {
    const Box cart = s.sandbox(7, 100, "cart");
    s.at(1ms).born(cart).start(cart, "c1");
    s.at(5ms);
    http(cart, Side::client, client_port(1), at_port(8080), "/a", 2ms);
    s.at(6ms).end(cart, "c1");
    OwnerTopology topology;
    topology.ingest(s.batch);
    EXPECT_THAT(edges(topology.so_far(s.now().at, 1h)), IsEmpty());
    const OwnerGraph later = topology.so_far(s.now().at + 2s, 1h);
    EXPECT_THAT(edges(later), ElementsAre("cart > 127.0.0.1:8080 1"));
    EXPECT_EQ(later.to, s.now().at + 2s);
}

TEST_F(Owners, WhatIsHeldBackIsToldOnceItIsSettled) {
    const Box cart = s.sandbox(7, 100, "cart");
    s.at(1ms).born(cart).start(cart, "c1");
    s.at(5ms);
    http(cart, Side::client, client_port(1), at_port(8080), "/a", 2ms);
    OwnerTopology topology;
    topology.ingest(s.batch);
    topology.settle();
    EXPECT_THAT(edges(topology.so_far(s.now().at, 1h)), ElementsAre("cart > 127.0.0.1:8080 1"));
}

TEST_F(Owners, NothingIsNothing) {
    const OwnerGraph graph = play();
    EXPECT_THAT(graph.nodes, IsEmpty());
    EXPECT_THAT(graph.edges, IsEmpty());
}

}  // namespace
}  // namespace autotune
