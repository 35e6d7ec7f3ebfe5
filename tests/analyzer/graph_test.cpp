#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/analyzer/event_script.hpp"
#include "tests/support/profiles.hpp"

namespace autotune {
namespace {

using testing::NamedStack;
using testing::stacks_of;

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Endpoint kCaller = ipv4_endpoint(127, 0, 0, 1, 50'001);
const Endpoint kService = ipv4_endpoint(127, 0, 0, 1, 8'080);

std::vector<std::string> edges(const ServiceGraph& g) {
    std::vector<std::string> out;
    for (const ServiceEdge& e : g.edges)
        out.push_back(g.nodes[e.from].name + " -> " + g.nodes[e.to].name + " x" + std::to_string(e.calls));
    return out;
}

TEST(ServiceGraph, JoinsTheTwoEndsOfAConnection) {
    EventScript s;
    Analyzer analyzer;
    const Box shop = s.sandbox(7, 100, "shop"), server = s.sandbox(9, 300, "");
    s.at(1s).born(shop).process(server, 1, "stock-server").at(2s).start(shop, "1");
    s.at(2100ms).connect(shop, 5, kCaller, kService).at(2101ms).accept(server, 8, kService, kCaller);
    s.at(2200ms).send(shop, 5, 10, kService).receive(server, 8, 10, kCaller).send(server, 8, 99, kCaller);
    s.at(2300ms).receive(shop, 5, 99, kService).at(3s).end(shop, "1").at(4s).feed(analyzer);

    EXPECT_EQ(analyzer.take_finished().at(0).peers.at(0).name, "stock-server");
    EXPECT_EQ(std::get<std::string>(analyzer.facts(60s, Timestamp(4s)).at(0).deps.at(0)[Fact::dep_name]),
              "stock-server");
    const ServiceGraph g = analyzer.graph(60s, Timestamp(4s));
    EXPECT_THAT(edges(g), ElementsAre("shop -> stock-server x1"));
    EXPECT_EQ(g.nodes[g.edges[0].from].kind, NodeKind::function);
    EXPECT_EQ(g.nodes[g.edges[0].to].kind, NodeKind::process);
    EXPECT_EQ(g.edges[0].bytes_sent, 10u);
    EXPECT_EQ(g.edges[0].bytes_received, 99u);
    EXPECT_EQ(g.edges[0].by_trace, 0u);
}

TEST(ServiceGraph, NamesTheFunctionThatOwnsTheOtherEnd) {
    EventScript s;
    Analyzer analyzer;
    const Box shop = s.sandbox(7, 100, "shop"), stock = s.sandbox(8, 200, "stock");
    s.at(1s).born(shop).born(stock).at(2s).start(shop, "1").start(stock, "2");
    s.at(2100ms).connect(shop, 5, kCaller, kService).at(2101ms).accept(stock, 8, kService, kCaller);
    s.at(2200ms).send(shop, 5, 10, kService).at(3s).end(shop, "1").end(stock, "2").at(4s).feed(analyzer);
    EXPECT_THAT(edges(analyzer.graph(60s, Timestamp(4s))), ElementsAre("shop -> stock x1"));
}

TEST(ServiceGraph, ShowsWhatItCannotSeeAsExternal) {
    EventScript s;
    Analyzer analyzer;
    const Box shop = s.sandbox(7, 100, "shop");
    s.at(1s).born(shop).at(2s).start(shop, "1").connect(shop, 5, kCaller, kDatabase, -ECONNREFUSED);
    s.at(3s).end(shop, "1").at(4s).feed(analyzer);
    const ServiceGraph g = analyzer.graph(60s, Timestamp(4s));
    EXPECT_THAT(edges(g), ElementsAre("shop -> 10.0.0.9:5432 x1"));
    EXPECT_EQ(g.edges[0].failures, 1u);
}

TEST(ServiceGraph, CallsWhatIsExternalByTheNameThatItWasLastResolvedFrom) {
    EventScript s;
    Analyzer analyzer;
    const Box shop = s.sandbox(7, 100, "shop");
    Endpoint address = kDatabase;
    address.port = 0;
    s.at(1s).born(shop).at(2s).start(shop, "1");
    s.add(shop, NameResolved{s.text("old.example.com"), address});
    s.add(shop, NameResolved{s.text("db.example.com"), address});
    s.connect(shop, 5, kCaller, kDatabase).send(shop, 5, 10, kDatabase);
    s.at(3s).end(shop, "1").at(4s).feed(analyzer);
    EXPECT_EQ(analyzer.take_finished().at(0).peers.at(0).name, "db.example.com");
    EXPECT_THAT(edges(analyzer.graph(60s, Timestamp(4s))), ElementsAre("shop -> db.example.com:5432 x1"));
}

TEST(ServiceGraph, NamesNobodyForAnAddressThatTwoOwnersAcceptedOn) {
    EventScript s;
    Analyzer analyzer;
    const Box shop = s.sandbox(7, 100, "shop"), one = s.sandbox(8, 200, ""), two = s.sandbox(9, 300, "");
    s.at(1s).born(shop).process(one, 1, "one").process(two, 1, "two");
    s.accept(one, 8, kService, ipv4_endpoint(127, 0, 0, 1, 1))
        .accept(two, 8, kService, ipv4_endpoint(127, 0, 0, 1, 2));
    s.at(2s)
        .start(shop, "1")
        .connect(shop, 5, kCaller, kService)
        .send(shop, 5, 1, kService)
        .at(3s)
        .end(shop, "1");
    s.at(4s).feed(analyzer);
    EXPECT_THAT(edges(analyzer.graph(60s, Timestamp(4s))), ElementsAre("shop -> 127.0.0.1:8080 x1"));
}

TEST(ServiceGraph, IncludesWhatHappensOutsideInvocations) {
    EventScript s;
    Analyzer analyzer;
    const Box shop = s.sandbox(7, 100, "shop"), tool = s.sandbox(9, 300, "");
    s.at(1s).born(shop).ready(shop).connect(shop, 5, kCaller, kDatabase).send(shop, 5, 1, kDatabase);
    s.process(tool, 1, "backup")
        .connect(tool, 5, kCaller, kDatabase)
        .send(tool, 5, 1, kDatabase)
        .exit(tool, 0);
    s.at(2s).start(shop, "1").at(3s).end(shop, "1").at(4s).feed(analyzer);
    EXPECT_THAT(edges(analyzer.graph(60s, Timestamp(4s))),
                ElementsAre("backup -> 10.0.0.9:5432 x1", "shop -> 10.0.0.9:5432 x1"));
}

TEST(ServiceGraph, AddsCallsThatOnlyTraceIdsTell) {
    EventScript s;
    Analyzer analyzer;
    const Box shop = s.sandbox(7, 100, "shop"), stock = s.sandbox(8, 200, "stock");
    s.at(1s).born(shop).born(stock).at(2s).start(shop, "1", {.trace = "Root=1-a;Parent=x"});
    s.at(3s).start(stock, "2", {.trace = "Root=1-a;Parent=y"}).at(4s).end(stock, "2").at(5s).end(shop, "1");
    s.at(6s).feed(analyzer);
    const ServiceGraph g = analyzer.graph(60s, Timestamp(6s));
    EXPECT_THAT(edges(g), ElementsAre("shop -> stock x1"));
    EXPECT_EQ(g.edges[0].by_trace, 1u);
}

TEST(ServiceGraph, ForgetsWhatIsOutsideTheWindow) {
    EventScript s;
    Analyzer analyzer;
    const Box shop = s.sandbox(7, 100, "shop");
    s.at(1s)
        .born(shop)
        .at(2s)
        .start(shop, "1")
        .send(shop, 5, 1, kDatabase)
        .at(3s)
        .end(shop, "1")
        .at(4s)
        .feed(analyzer);
    EXPECT_THAT(edges(analyzer.graph(60s, Timestamp(600s))), IsEmpty());
}

TEST(Profile, WeighsStacksInTimeRootFirst) {
    EventScript s;
    Analyzer analyzer;
    const Box a = s.sandbox(7, 100, "f");
    s.at(1s).born(a).sample(a, {"main", "import"}).at(2s).start(a, "1");
    s.at(3s).sample(a, {"main", "work"}).sample(a, {"main", "work"}).sample(a, {"main"}).at(4s).end(a, "1");
    s.at(5s).start(a, "2").sample(a, {"main", "rest"}).at(6s).end(a, "2");
    s.at(7s).feed(analyzer);
    const Profile all = analyzer.profile({.function = "f"}, s.batch.tables);
    EXPECT_EQ(all.title, "f (on-CPU)");
    EXPECT_THAT(stacks_of(all),
                ElementsAre(NamedStack({"main"}, 10'000'000), NamedStack({"main", "rest"}, 10'000'000),
                            NamedStack({"main", "work"}, 20'000'000)));

    const Profile second =
        analyzer.profile({.function = "f", .invocation = InvocationId("2")}, s.batch.tables);
    EXPECT_THAT(stacks_of(second), ElementsAre(NamedStack({"main", "rest"}, 10'000'000)));
    const Profile init = analyzer.profile({.function = "f", .part = ProfilePart::init}, s.batch.tables);
    EXPECT_THAT(stacks_of(init), ElementsAre(NamedStack({"main", "import"}, 10'000'000)));
    EXPECT_THAT(stacks_of(analyzer.profile({.function = "unheard of"}, s.batch.tables)), IsEmpty());
    EXPECT_EQ(analyzer.take_finished().at(0).samples, 3u);
}

std::vector<NamedStack> stacks_of(const Analyzer& analyzer, const EventScript& s, const char* invocation, ProfileOf of) {
    return stacks_of(analyzer.profile({.function = "f", .invocation = InvocationId(invocation), .of = of}, s.batch.tables));
}

TEST(Profile, GivesEachInvocationItsPartOfAWait) {
    EventScript s;
    Analyzer analyzer;
    const Box a = s.sandbox(7, 100, "f");
    s.at(1s).born(a).ready(a);
    s.at(2s).wait(a, {"main", "next"}, 900ms).start(a, "1");  // idle: of no invocation
    s.at(3s).sample(a, {"main"}).wait(a, {"main", "lock"}, 400ms).at(4s).end(a, "1");
    s.at(6s).start(a, "2").at(7s).end(a, "2");
    s.at(8s).start(a, "3");
    s.at(9s).wait(a, {"background", "sleep"}, 6s);  // since 3 s: in all of them
    s.at(10s).end(a, "3").at(11s).feed(analyzer);
    EXPECT_THAT(stacks_of(analyzer, s, "1", ProfileOf::off_cpu),
                ElementsAre(NamedStack({"background", "sleep"}, 1'000'000'000), NamedStack({"main", "lock"}, 400'000'000)));
    EXPECT_THAT(stacks_of(analyzer, s, "2", ProfileOf::off_cpu),
                ElementsAre(NamedStack({"background", "sleep"}, 1'000'000'000)));
    EXPECT_THAT(stacks_of(analyzer, s, "3", ProfileOf::off_cpu),
                ElementsAre(NamedStack({"background", "sleep"}, 1'000'000'000)));
    EXPECT_THAT(stacks_of(analyzer, s, "1", ProfileOf::cpu), ElementsAre(NamedStack({"main"}, 10'000'000)));
    EXPECT_THAT(stacks_of(analyzer, s, "1", ProfileOf::wall),
                ElementsAre(NamedStack({"background", "sleep"}, 1'000'000'000), NamedStack({"main"}, 10'000'000),
                            NamedStack({"main", "lock"}, 400'000'000)));
    EXPECT_EQ(analyzer.take_finished().at(0).samples, 1u);
}

TEST(Profile, TheWaitThatADeathEndedIsTheInvocationsThatDied) {
    EventScript s;
    Analyzer analyzer;
    const Box a = s.sandbox(7, 100, "f");
    s.at(1s).born(a).ready(a).at(2s).start(a, "1");
    s.at(5s).killed(a, 9).wait(a, {"main", "sleep"}, 2'900ms);
    s.at(6s).feed(analyzer);
    EXPECT_THAT(stacks_of(analyzer, s, "1", ProfileOf::off_cpu), ElementsAre(NamedStack({"main", "sleep"}, 2'900'000'000)));
}

TEST(Profile, WeighsMemoryInBytes) {
    EventScript s;
    Analyzer analyzer;
    const Box a = s.sandbox(7, 100, "f");
    s.at(1s).born(a).ready(a).at(2s).start(a, "1").takes(a, {"main", "much"}, 4096).takes(a, {"main", "much"}, 2 << 20);
    s.at(3s).end(a, "1").at(4s).feed(analyzer);
    const Profile p = analyzer.profile({.function = "f", .of = ProfileOf::memory}, s.batch.tables);
    EXPECT_EQ(p.unit, ProfileUnit::bytes);
    EXPECT_EQ(p.title, "f (memory)");
    EXPECT_THAT(stacks_of(p), ElementsAre(NamedStack({"main", "much"}, (2u << 20) + 4096)));
    EXPECT_THAT(stacks_of(analyzer.profile({.function = "f"}, s.batch.tables)), IsEmpty());
}

TEST(Profile, KeepsTheNewestSamplesOnly) {
    EventScript s;
    Analyzer analyzer({.samples_per_function = 3});
    const Box a = s.sandbox(7, 100, "f");
    s.at(1s).born(a).at(2s).start(a, "1");
    for (int i = 0; i < 5; ++i) s.sample(a, {"old"});
    for (int i = 0; i < 3; ++i) s.sample(a, {"new"});
    s.at(3s).end(a, "1").feed(analyzer);
    const Profile p = analyzer.profile({.function = "f"}, s.batch.tables);
    EXPECT_THAT(stacks_of(p), ElementsAre(NamedStack({"new"}, 30'000'000)));
    EXPECT_EQ(analyzer.counters().samples_replaced, 5u);
}

}  // namespace
}  // namespace autotune
