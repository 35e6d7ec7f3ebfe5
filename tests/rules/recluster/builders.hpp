// Logs and graphs for tests of reclustering.
#pragma once

#include <algorithm>
#include <random>
#include <string>

#include "rules/recluster/predict.hpp"
#include "rules/recluster/replay.hpp"

namespace autotune::rules::test {

inline Result<CallLog> read_log(const std::string& text) {
    ReplayReader reader;
    if (Status fed = reader.feed(text); !fed) return fed.forward();
    return reader.finish();
}

// {"trace":…} with memory 1024, billed as long as it ran.
inline std::string invocation(int trace, const std::string& id, const std::string& parent, const std::string& function, double start,
                              double end, const std::string& calls = "", int memory = 1024, bool cold = false) {
    return "{\"trace\":\"t" + std::to_string(trace) + "\",\"id\":\"" + id + "\",\"parent\":" +
           (parent.empty() ? "null" : "\"" + parent + "\"") + ",\"function\":\"" + function +
           "\",\"memory_mb\":" + std::to_string(memory) + ",\"start_ms\":" + std::to_string(start) +
           ",\"end_ms\":" + std::to_string(end) + ",\"billed_ms\":" + std::to_string(end - start) +
           ",\"cold\":" + (cold ? "true" : "false") + ",\"calls\":[" + calls + "]}\n";
}
inline std::string call(const std::string& callee, const std::string& id, double start, double duration, bool sync = true,
                        bool local = false) {
    return "{\"callee\":\"" + callee + "\",\"callee_id\":" + (id.empty() ? "null" : "\"" + id + "\"") +
           ",\"start_ms\":" + std::to_string(start) + ",\"duration_ms\":" + std::to_string(duration) +
           ",\"sync\":" + (sync ? "true" : "false") + ",\"local\":" + (local ? "true" : "false") + "}";
}

// Calls from lower to higher numbers: chains, fans, patterns in parallel; memories of a few sizes; some constraints.
inline CallGraph random_graph(std::mt19937_64& draw, std::size_t n) {
    const auto pick = [&](double low, double high) {
        return low + (high - low) * static_cast<double>(draw() >> 11) * 0x1p-53;
    };
    CallGraph graph;
    for (std::size_t f = 0; f < n; ++f) {
        FunctionNode node;
        node.name = "f" + std::to_string(f);
        node.memory_mb = 128 << (draw() % 4);
        node.own_ms = pick(5, 300);
        if (draw() % 2 == 0) node.traits.cpu_share = pick(0, 1);
        if (draw() % 8 == 0) node.traits.runtime = "other";
        if (draw() % 4 == 0) node.traits.peak_mb = pick(20, 400);
        graph.nodes.push_back(node);
    }
    for (std::size_t f = 1; f < n; ++f) {
        // Near callers, so that large graphs are not one star.
        const std::size_t from = f - 1 - draw() % std::min<std::size_t>(f, 6);
        auto& patterns = graph.nodes[from].patterns;
        const PatternCall one{.callee = static_cast<FunctionId>(f), .offset_ms = pick(0, 5), .callee_ms = graph.nodes[f].own_ms,
                              .overhead_ms = pick(2, 60)};
        if (patterns.empty() || draw() % 2 == 0) patterns.push_back({.rate = pick(0.1, 1), .calls = {}});
        patterns.back().calls.push_back(one);
        if (draw() % 3 == 0 && f > 1) {
            const std::size_t more = draw() % f;
            graph.nodes[more].patterns.push_back({.rate = pick(0.1, 1), .calls = {one}});
        }
    }
    for (FunctionNode& node : graph.nodes)
        for (CallPattern& p : node.patterns)
            for (const PatternCall& c : p.calls)
                p.wait_ms = std::max(p.wait_ms, c.offset_ms + c.callee_ms + c.overhead_ms);
    if (draw() % 3 == 0) graph.constraints.most_functions = 2 + draw() % 4;
    if (draw() % 3 == 0) graph.constraints.alone.insert("f" + std::to_string(draw() % n));
    complete(graph);
    return graph;
}

}  // namespace autotune::rules::test
