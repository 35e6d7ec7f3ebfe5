// What is read is what was written; what was not written so is refused.
#include "exporters/render/owner_edges_reader.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>

#include "exporters/render/owner_graph.hpp"

namespace autotune::render {
namespace {

OwnerGraph random_graph(std::mt19937_64& random) {
    OwnerGraph graph;
    graph.to = graph.from + Nanos(static_cast<std::int64_t>(random() % 4'000'000'000'000));
    if (random() % 2 == 0) graph.wall_to = WallTime(Nanos(static_cast<std::int64_t>(random() >> 1)));
    const std::size_t nodes = 1 + random() % 8;
    for (std::size_t i = 0; i < nodes; ++i)
        graph.nodes.push_back({.service = {.name = "n" + std::to_string(i) + " \"ü\n", .kind = static_cast<NodeKind>(random() % 3)},
                               .cgroups = {CgroupId{1 + random() % 1'000}},
                               .pids = {static_cast<std::int32_t>(random() % 100'000)},
                               .processes = random() % 5});
    const auto nanos = [&] { return Nanos(static_cast<std::int64_t>(random() >> 2)); };
    for (std::size_t i = random() % 12; i > 0; --i)
        graph.edges.push_back({.from = random() % nodes, .to = random() % nodes, .calls = random(), .errors = random(), .retries = random(),
                               .bytes_sent = random(), .bytes_received = random(), .total = nanos(), .p50 = nanos(), .p95 = nanos(),
                               .p99 = nanos(), .slowest = nanos(), .by_path = random() % 2 == 0});
    graph.ambiguous = random(), graph.calls_not_kept = random(), graph.works_not_kept = random();
    graph.undecided = random(), graph.late = random(), graph.lost = random();
    return graph;
}

TEST(OwnerEdgesReader, ReadsWhatWasWritten) {
    std::mt19937_64 random(5);
    for (int i = 0; i < 500; ++i) {
        const OwnerGraph graph = random_graph(random);
        const std::string text = owner_edges_json(graph);
        const auto read = read_owner_edges(text);
        ASSERT_TRUE(read) << read.error().message << "\n" << text;
        ASSERT_EQ(owner_edges_json(*read), text);
        ASSERT_EQ(owner_dot(*read), owner_dot(graph));
        ASSERT_TRUE(read->works.empty() && read->calls.empty());
    }
}

std::string changed(const std::string& from, const std::string& to) {
    OwnerGraph graph;
    graph.to = graph.from + Nanos(7);
    graph.nodes.push_back({.service = {.name = "a", .kind = NodeKind::function}, .cgroups = {}, .pids = {}, .processes = 1});
    graph.edges.push_back({.from = 0, .to = 0, .calls = 3});
    std::string text = owner_edges_json(graph);
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

TEST(OwnerEdgesReader, RefusesWhatWasNotWrittenSo) {
    ASSERT_TRUE(read_owner_edges(changed("\"calls\":3", "\"calls\":4")));  // the others differ by what is wrong alone
    for (const auto& [from, to] : {std::pair("\"calls\":3", "\"calls\":-3"), std::pair("\"calls\":3", "\"calls\":3.5"),
                                   std::pair("\"calls\":3", "\"calls\":\"3\""), std::pair("\"calls\":3", "\"galls\":3"),
                                   std::pair("\"to_node\":0", "\"to_node\":1"), std::pair("\"kind\":\"function\"", "\"kind\":\"fun\""),
                                   std::pair("\"duration_ns\":7", "\"duration_ns\":9223372036854775808"),
                                   std::pair("\"duration_ns\":7", "\"duration_ns\":7,\"ended_unix_ns\":-1"),
                                   std::pair("\"method\":\"owner\"", "\"method\":\"nsdminer\""), std::pair("\"lost\":0}", "\"lost\":0")}) {
        const auto read = read_owner_edges(changed(from, to));
        ASSERT_FALSE(read) << to;
        EXPECT_EQ(read.error().code, Errc::corrupt) << to;
        EXPECT_FALSE(read.error().message.empty());
    }
    EXPECT_FALSE(read_owner_edges(""));
    EXPECT_FALSE(read_owner_edges("[]"));
}

TEST(OwnerEdgesReader, EdgesAloneTellNothingOfWorks) {
    const auto read = read_owner_edges(changed("\"calls\":3", "\"calls\":4"));
    ASSERT_TRUE(read);
    EXPECT_EQ(owner_text(*read).find("work"), std::string::npos) << owner_text(*read);
    EXPECT_NE(owner_text(*read).find("→ a  4 calls"), std::string::npos) << owner_text(*read);
}

}  // namespace
}  // namespace autotune::render
