// Peddycord's algorithm on flows written by hand, and against the definition read word for word.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "analyzer/topology/dependencies.hpp"
#include "analyzer/topology/dependency_miner.hpp"

namespace autotune::analysis {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Flows by name: "web:80" is port 80 of the host web.
class Traffic {
public:
    Traffic& flow(std::int64_t start, std::int64_t end, const std::string& source,
                  const std::string& service) {
        const auto colon = service.find(':');
        const std::string label = colon == std::string::npos ? "" : service.substr(colon + 1);
        flows.push_back(
            {start, end, names.host(source), names.service(names.host(service.substr(0, colon)), label)});
        return *this;
    }
    // `count` requests of `from`, one after the other, each calling `to`.
    Traffic& calls(int count, const std::string& host, const std::string& service,
                   const std::vector<std::string>& to) {
        for (int i = 0; i < count; ++i, now_ += 100) {
            flow(now_, now_ + 50, "client", service);
            for (const std::string& callee : to) flow(now_ + 10, now_ + 20, host, callee);
        }
        return *this;
    }

    Candidates mine(MinerOptions options = {}) {
        DependencyMiner miner(names, options);
        for (const Flow& f : flows) miner.add(f);
        return miner.finish();
    }
    // "a>b 1.50" each
    std::vector<std::string> told(const Candidates& candidates) {
        std::vector<std::string> out;
        for (const Candidate& c : candidates.edges) {
            char weight[32];
            std::snprintf(weight, sizeof weight, " %.2f", c.weight);
            out.push_back(names.name(c.from) + ">" + names.name(c.to) + weight);
        }
        std::sort(out.begin(), out.end());
        return out;
    }
    DependencyGraph graph(const DependencyOptions& options) { return dependencies(mine(), names, options); }

    FlowNames names;
    std::vector<Flow> flows;

private:
    std::int64_t now_ = 0;
};

// "a>b 81" each, an inferred one with ?
std::vector<std::string> told(const DependencyGraph& graph) {
    std::vector<std::string> out;
    for (const Dependency& d : graph.edges)
        out.push_back(graph.nodes[d.from].name + ">" + graph.nodes[d.to].name + (d.inferred ? "? " : " ") +
                      std::to_string(std::lround(d.confidence)));
    return out;
}

TEST(DependencyMiner, GivesAFlowToTheOneThatContainsIt) {
    Traffic t;
    t.flow(0, 100, "user", "web:80")
        .flow(10, 20, "web", "db:5432")
        .flow(90, 101, "web", "late:1")
        .flow(5, 6, "other", "db:5432");
    const Candidates found = t.mine();
    EXPECT_THAT(t.told(found), ElementsAre("web:80>db:5432 1.00"));
    EXPECT_EQ(found.counters.flows, 4u);
    EXPECT_EQ(found.counters.contained, 1u);
    EXPECT_EQ(found.flows[t.names.service(t.names.host("db"), "5432")], 2u);
}

TEST(DependencyMiner, SharesWhatLiesWithinSeveral) {
    Traffic t;
    t.flow(0, 100, "u", "w:80").flow(1, 99, "u", "w:80").flow(2, 98, "u", "w:22").flow(10, 20, "w", "db:1");
    EXPECT_THAT(t.told(t.mine()), ElementsAre("w:22>db:1 0.33", "w:80>db:1 0.67"));
    const Candidates exclusive = t.mine({.ambiguous = Ambiguous::exclusive});
    EXPECT_THAT(exclusive.edges, IsEmpty());
    EXPECT_EQ(exclusive.counters.ambiguous, 1u);
}

TEST(DependencyMiner, TakesEndsAsWithin) {
    Traffic t;
    t.flow(5, 9, "a", "b").flow(5, 9, "u", "a").flow(5, 9, "b", "c");
    EXPECT_THAT(t.told(t.mine()), ElementsAre("a>b 1.00", "b>c 1.00"));
}

TEST(DependencyMiner, NeverMakesAServiceItsOwnDependency) {
    Traffic t;
    t.flow(0, 100, "u", "a:1").flow(1, 50, "a", "a:1").flow(2, 40, "a", "a:2");
    EXPECT_THAT(t.told(t.mine()), ElementsAre("a:1>a:2 1.00"));
}

TEST(DependencyMiner, SaysWhatCameTooLateAndGivesItNoParent) {
    Traffic t;
    t.flow(0, 1000, "u", "a").flow(900, 910, "a", "b").flow(100, 110, "a", "b");
    const Candidates held = t.mine({.hold_back_ns = 800});
    EXPECT_THAT(t.told(held), ElementsAre("a>b 2.00"));
    EXPECT_EQ(held.counters.late, 0u);
    t.flow(2000, 2001, "u", "a").flow(800, 805, "a", "b");
    const Candidates late = t.mine({.hold_back_ns = 1});
    EXPECT_EQ(late.counters.late, 1u);  // the last: 2000 was there when it came
    EXPECT_THAT(t.told(late), ElementsAre("a>b 2.00"));
    EXPECT_EQ(late.flows[t.names.service(t.names.host("b"), "")], 3u);
}

TEST(DependencyMiner, HoldsNoMoreThanItMay) {
    Traffic t;
    for (int i = 0; i < 1'000; ++i) t.flow(i, i + 1, "u", "a");
    EXPECT_EQ(t.mine({.most_held = 10}).counters.late, 0u);  // in order: nothing is lost by it
}

// Word for word: every flow against every other.
std::map<std::pair<std::uint32_t, std::uint32_t>, double> by_definition(const Traffic& t,
                                                                        Ambiguous ambiguous) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, double> edges;
    for (std::size_t f = 0; f < t.flows.size(); ++f) {
        const Flow& flow = t.flows[f];
        std::vector<std::uint32_t> parents;
        for (std::size_t p = 0; p < t.flows.size(); ++p) {
            const Flow& parent = t.flows[p];
            if (p != f && parent.start <= flow.start && flow.end <= parent.end &&
                t.names.host_of(parent.service) == flow.source && parent.service != flow.service)
                parents.push_back(parent.service);
        }
        if (parents.size() > 1 && ambiguous == Ambiguous::exclusive) continue;
        for (const std::uint32_t p : parents)
            edges[{p, flow.service}] += 1.0 / static_cast<double>(parents.size());
    }
    return edges;
}

TEST(DependencyMiner, FindsWhatTheDefinitionSaysInAnyOrder) {
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        Traffic t;
        for (int i = 0; i < 60; ++i) {
            const auto start = static_cast<std::int64_t>(random() % 50);
            t.flow(start, start + static_cast<std::int64_t>(random() % 40),
                   "h" + std::to_string(random() % 4),
                   "h" + std::to_string(random() % 4) + ":" + std::to_string(random() % 2));
        }
        const Ambiguous ambiguous = round % 2 == 0 ? Ambiguous::shared : Ambiguous::exclusive;
        const auto expected = by_definition(t, ambiguous);
        const Candidates found = t.mine({.ambiguous = ambiguous});
        ASSERT_EQ(found.edges.size(), expected.size());
        for (const Candidate& c : found.edges) EXPECT_NEAR(c.weight, expected.at({c.from, c.to}), 1e-9);
    }
}

TEST(Dependencies, AreRankedByRatioOrByLogarithm) {
    Traffic t;
    t.calls(90, "web", "web", {"db"})
        .calls(10, "web", "web", {"db", "cache"})
        .calls(49, "few", "few", {"db"});
    EXPECT_THAT(told(t.graph({.ranking = Ranking::ratio, .alpha = 50})), ElementsAre("web>db 100"));
    EXPECT_THAT(told(t.graph({.ranking = Ranking::ratio, .alpha = 10})),
                ElementsAre("web>cache 10", "web>db 100"));
    // ln 10 / ln 100 = 0.5
    EXPECT_THAT(told(t.graph({.ranking = Ranking::logarithm, .alpha = 49.9})),
                ElementsAre("web>cache 50", "web>db 100"));
    EXPECT_THAT(told(t.graph({.ranking = Ranking::logarithm, .alpha = 50.1})), ElementsAre("web>db 100"));
    EXPECT_THAT(told(t.graph({.least_flows = 49})), ElementsAre("few>db 100", "web>db 100"));
}

TEST(Dependencies, OfServersThatShareALoadAreRankedAsOne) {
    Traffic t;
    for (const char* web : {"w1", "w2", "w3"})
        for (int server = 0; server < 5; ++server)
            t.calls(20, web, std::string(web) + ":80", {"db" + std::to_string(server) + ":5432"});
    t.calls(100, "w1", "w1:80", {"log:514"});
    EXPECT_THAT(told(t.graph({.ranking = Ranking::ratio, .alpha = 90})), IsEmpty());
    const DependencyGraph graph = t.graph({.ranking = Ranking::ratio, .alpha = 40, .cluster_support = 3});
    ASSERT_EQ(graph.clusters.size(), 1u);
    EXPECT_EQ(graph.clusters[0].size(), 5u);
    EXPECT_EQ(graph.edges.size(), 16u);  // fifteen to the cluster's, one to the log
    for (const Dependency& d : graph.edges)
        EXPECT_EQ(d.cluster, graph.nodes[d.to].name == "log:514" ? 0u : 1u);
    EXPECT_THAT(t.graph({.alpha = 40, .cluster_support = 4}).clusters, IsEmpty());
}

TEST(Dependencies, AreInferredFromServicesAlike) {
    Traffic t;
    t.calls(100, "a", "a:80", {"x", "y", "z"})
        .calls(100, "b", "b:80", {"x", "y", "z"})
        .calls(100, "c", "c:80", {"x", "y"});
    t.calls(100, "d", "d:25", {"x", "y"}).calls(100, "e", "e:80", {"q"});
    const auto before = told(t.graph({}));
    EXPECT_EQ(before.size(), 11u);
    auto after = told(t.graph({.inference = InferenceOptions{.similarity = 0.6, .agreement = 0.5}}));
    EXPECT_EQ(std::count(after.begin(), after.end(), "c:80>z? 100"), 1);
    EXPECT_EQ(after.size(), 12u);  // and nothing for other ports, or for what is not alike
    after = told(t.graph({.inference = InferenceOptions{.similarity = 0.6, .agreement = 0.7}}));
    EXPECT_EQ(after, before);  // two of three need z: not enough
    after = told(t.graph({.inference = InferenceOptions{.similarity = 0.7, .agreement = 0.5}}));
    EXPECT_EQ(after, before);  // two of three are shared: not alike enough
}

TEST(Dependencies, NamesNodesInOrder) {
    Traffic t;
    t.calls(60, "b", "b", {"a"});
    const DependencyGraph graph = t.graph({});
    ASSERT_EQ(graph.nodes.size(), 2u);
    EXPECT_EQ(graph.nodes[0].name, "a");
    EXPECT_EQ(graph.nodes[0].flows, 60u);
    EXPECT_EQ(graph.edges[0].from, 1u);
}

}  // namespace
}  // namespace autotune::analysis
