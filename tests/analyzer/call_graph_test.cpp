// Call graphs against answers worked out by hand, and of random stacks against the definition, stack by stack.
#include "analyzer/calls/call_graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "analyzer/trace/trace_builder.hpp"
#include "core/profile_builder.hpp"

namespace autotune {
namespace {

using Stack = std::vector<std::string>;  // root first

Profile profile_of(const std::vector<std::pair<Stack, std::uint64_t>>& stacks) {
    ProfileBuilder builder;
    for (const auto& [stack, weight] : stacks) {
        std::vector<std::uint32_t> frames;
        for (const std::string& name : stack) frames.push_back(builder.frame(name));
        builder.add_stack(frames, weight);
    }
    return std::move(builder).build("test", ProfileUnit::nanoseconds);
}

struct Readable {
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> functions;  // self, total
    std::map<std::pair<std::string, std::string>, std::uint64_t> edges;
    bool operator==(const Readable&) const = default;
};
Readable readable(const CallGraph& graph) {
    Readable all;
    for (const CalledFunction& f : graph.functions) all.functions[f.name] = {f.self, f.total};
    for (const CallEdge& e : graph.edges) all.edges[{graph.functions[e.from].name, graph.functions[e.to].name}] = e.weight;
    return all;
}
const CalledFunction& named(const CallGraph& graph, const std::string& name) {
    return *std::ranges::find(graph.functions, name, &CalledFunction::name);
}

TEST(CallGraph, CountsEachStackOnceHoweverOftenAFunctionIsInIt) {
    const CallGraph graph = call_graph(profile_of({{{"main", "fib", "fib", "fib"}, 5}, {{"main", "fib"}, 2}, {{"main"}, 1}}));
    EXPECT_EQ(readable(graph), (Readable{{{"main", {1, 8}}, {"fib", {7, 7}}}, {{{"main", "fib"}, 7}, {{"fib", "fib"}, 0}}}));
    EXPECT_EQ(graph.total, 8u);
    EXPECT_TRUE(named(graph, "fib").calls_itself);
    EXPECT_EQ(named(graph, "fib").cycle, 0u);
}

TEST(CallGraph, MarksFunctionsThatCallEachOther) {
    const CallGraph graph = call_graph(
        profile_of({{{"main", "even", "odd", "even"}, 3}, {{"main", "p", "q"}, 1}, {{"main", "q", "p"}, 1}, {{"main", "leaf"}, 9}}));
    EXPECT_EQ(named(graph, "even").cycle, named(graph, "odd").cycle);
    EXPECT_EQ(named(graph, "p").cycle, named(graph, "q").cycle);
    EXPECT_NE(named(graph, "p").cycle, named(graph, "even").cycle);
    EXPECT_EQ(named(graph, "main").cycle, 0u);
    EXPECT_EQ(named(graph, "leaf").cycle, 0u);
    EXPECT_EQ(graph.functions.front().name, "main");  // most total first
}

TEST(CallGraph, NobodyCalledWhatIsBelowTheMarkOfTruncatedStacks) {
    const CallGraph graph = call_graph(profile_of({{{std::string(kTruncatedFrame), "deep", "leaf"}, 4}, {{"main", "leaf"}, 1}}));
    EXPECT_EQ(readable(graph), (Readable{{{"deep", {0, 4}}, {"leaf", {5, 5}}, {"main", {0, 1}}},
                                         {{{"deep", "leaf"}, 4}, {{"main", "leaf"}, 1}}}));
}

TEST(CallGraph, TellsFunctionsOfOneNameApartByTheirModule) {
    ProfileBuilder builder;
    const std::uint32_t a = builder.frame({.name = "run", .module = "a.so"}), b = builder.frame({.name = "run", .module = "b.so"}),
                        elsewhere_in_a = builder.frame({.name = "run", .module = "a.so", .line = 7});
    builder.add_stack(std::vector{a, b}, 1);
    builder.add_stack(std::vector{elsewhere_in_a}, 1);
    EXPECT_EQ(call_graph(std::move(builder).build("test", ProfileUnit::nanoseconds)).functions.size(), 2u);
}

TEST(CallGraph, IsEmptyOfNothing) {
    EXPECT_TRUE(call_graph(Profile{}).functions.empty());
    EXPECT_TRUE(call_graph(Trace{}, EventBatch().tables).functions.empty());
}

TEST(CallGraph, IsOfRandomStacksWhatTheirDefinitionSays) {
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        std::vector<std::pair<Stack, std::uint64_t>> stacks;
        Readable expected;
        const unsigned names = 1 + random() % 6;
        for (unsigned n = 1 + random() % 20; n > 0; --n) {
            Stack stack;
            for (unsigned depth = 1 + random() % 9; depth > 0; --depth) stack.push_back(std::string(1, static_cast<char>('a' + random() % names)));
            const std::uint64_t weight = 1 + random() % 100;
            for (std::size_t i = 0; i + 1 < stack.size(); ++i) {
                const bool outermost = std::find(stack.begin(), stack.begin() + i + 1, stack[i + 1]) == stack.begin() + i + 1;
                expected.edges[{stack[i], stack[i + 1]}] += outermost ? weight : 0;
            }
            for (const std::string& name : std::set<std::string>(stack.begin(), stack.end())) expected.functions[name].second += weight;
            expected.functions[stack.back()].first += weight;
            stacks.emplace_back(std::move(stack), weight);
        }
        ASSERT_EQ(readable(call_graph(profile_of(stacks))), expected) << "round " << round;
    }
}

// Events of one thread, and the graph of their trace.
class Calls {
public:
    Calls& call(const char* name, Nanos begin, Nanos duration, std::uint32_t depth) {
        // Told when it ends.
        return put(begin + duration, CallDone{.function = function(name), .depth = depth, .duration = duration});
    }
    Calls& totals(const char* caller, const char* name, std::uint64_t calls, Nanos total, Nanos self) {
        return put(Nanos(1), CallTotals{.function = function(name),
                                        .caller = caller != nullptr ? function(caller) : FrameId(0),
                                        .calls = calls,
                                        .total = total,
                                        .self = self});
    }
    CallGraph graph() {
        TraceBuilder builder{TraceOptions{}};
        builder.ingest(batch_);
        batch_.events.clear();
        const Trace trace = builder.finish(batch_);
        return call_graph(trace, batch_.tables);
    }

private:
    FrameId function(const char* name) {
        return batch_.tables.frames.intern({.name = batch_.tables.strings.intern(name), .kind = FrameKind::python});
    }
    template <class Body>
    Calls& put(Nanos at, Body body) {
        batch_.events.push_back(
            {.at = Timestamp(at), .process = {7, 1}, .thread = ThreadId(7), .by = Backend::runtime, .body = body});
        return *this;
    }
    EventBatch batch_;
};

TEST(CallGraph, OfATraceIsExactFromItsTrees) {
    using namespace std::chrono_literals;
    // main (100) calls work (60), which calls itself (20), and work again (10).
    const CallGraph graph = Calls()
                                .call("work", 20ns, 20ns, 2)
                                .call("work", 10ns, 60ns, 1)
                                .call("work", 80ns, 10ns, 1)
                                .call("main", 0ns, 100ns, 0)
                                .graph();
    EXPECT_TRUE(graph.exact);
    EXPECT_EQ(readable(graph), (Readable{{{"main", {30, 100}}, {"work", {70, 70}}}, {{{"main", "work"}, 70}, {{"work", "work"}, 0}}}));
    EXPECT_EQ(named(graph, "work").calls, 3u);
    EXPECT_EQ(graph.total, 100u);
    for (const CallEdge& edge : graph.edges) EXPECT_EQ(edge.calls, graph.functions[edge.from].name == "main" ? 2u : 1u);
}

TEST(CallGraph, OfATraceBelievesExactTotals) {
    using namespace std::chrono_literals;
    const CallGraph graph = Calls()
                                .totals(nullptr, "main", 1, 100ns, 40ns)
                                .totals("main", "work", 1'000, 60ns, 50ns)
                                .totals("work", "leaf", 2'000, 10ns, 10ns)
                                .call("work", 10ns, 1ns, 1)  // one of them was told singly
                                .graph();
    EXPECT_EQ(readable(graph), (Readable{{{"main", {40, 100}}, {"work", {50, 60}}, {"leaf", {10, 10}}},
                                         {{{"main", "work"}, 60}, {{"work", "leaf"}, 10}}}));
    EXPECT_EQ(named(graph, "leaf").calls, 2'000u);
}

}  // namespace
}  // namespace autotune
