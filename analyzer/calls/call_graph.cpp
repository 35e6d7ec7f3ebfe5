#include "analyzer/calls/call_graph.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <unordered_map>

#include "analyzer/calls/call_cycles.hpp"

namespace autotune {
namespace {

// Functions and edges while they are found.
class Builder {
public:
    std::uint32_t function(std::string_view name, std::string_view module, FrameKind kind) {
        if (name.empty()) name = kUnknownFrame;
        const auto [at, is_new] = ids_.try_emplace({std::string(name), std::string(module), kind},
                                                   static_cast<std::uint32_t>(functions_.size()));
        if (is_new) functions_.push_back({.name = std::string(name), .module = std::string(module), .kind = kind});
        return at->second;
    }
    CalledFunction& operator[](std::uint32_t function) { return functions_[function]; }
    // Valid until the next one is made.
    CallEdge& edge(std::uint32_t from, std::uint32_t to) {
        const auto [at, is_new] =
            edge_ids_.try_emplace(std::uint64_t{from} << 32 | to, static_cast<std::uint32_t>(edges_.size()));
        if (is_new) edges_.push_back({.from = from, .to = to});
        return edges_[at->second];
    }
    [[nodiscard]] std::size_t functions() const { return functions_.size(); }

    // In the order that the graph promises.
    void finish(CallGraph& graph) {
        std::vector<std::uint32_t> order(functions_.size()), place(functions_.size());
        std::iota(order.begin(), order.end(), 0u);
        std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
            const CalledFunction &f = functions_[a], &g = functions_[b];
            if (f.total != g.total) return f.total > g.total;
            return std::tie(f.name, f.module, f.kind) < std::tie(g.name, g.module, g.kind);
        });
        for (std::uint32_t i = 0; i < order.size(); ++i) {
            place[order[i]] = i;
            graph.functions.push_back(std::move(functions_[order[i]]));
        }
        for (CallEdge& edge : edges_) edge.from = place[edge.from], edge.to = place[edge.to];
        std::ranges::sort(edges_, [](const CallEdge& a, const CallEdge& b) {
            if (a.from != b.from) return a.from < b.from;
            return a.weight != b.weight ? a.weight > b.weight : a.to < b.to;
        });
        graph.edges = std::move(edges_);
        analysis::mark_cycles(graph);
    }

private:
    std::map<std::tuple<std::string, std::string, FrameKind>, std::uint32_t> ids_;
    std::unordered_map<std::uint64_t, std::uint32_t> edge_ids_;
    std::vector<CalledFunction> functions_;
    std::vector<CallEdge> edges_;
};

constexpr std::uint32_t kNone = 0xFFFFFFFF;

}  // namespace

// One walk over the tree, depth first; how often each function is on the path says which occurrence is the outermost:
// that one's subtree is what counts.
CallGraph call_graph(const Profile& profile) {
    CallGraph graph{.title = profile.title, .measure = profile.measure, .unit = profile.unit, .total = profile.total(),
                    .truncated = profile.truncated};
    Builder builder;
    std::vector<std::uint32_t> function_of(profile.frames.size(), kNone);
    for (std::size_t i = 0; i < profile.frames.size(); ++i) {
        const ProfileFrame& frame = profile.frames[i];
        if (frame.name != kTruncatedFrame) function_of[i] = builder.function(frame.name, frame.module, frame.kind);
    }
    const auto weights = subtree_weights(profile);
    std::vector<std::uint32_t> first_child(profile.nodes.size(), kNone), next(profile.nodes.size(), kNone);
    for (std::uint32_t n = static_cast<std::uint32_t>(profile.nodes.size()); n-- > 1;) {
        next[n] = first_child[profile.nodes[n].parent];
        first_child[profile.nodes[n].parent] = n;
    }
    struct Open {
        std::uint32_t function, child;
    };
    std::vector<Open> path{{kNone, first_child[0]}};
    std::vector<std::uint32_t> on_path(builder.functions());
    while (!path.empty()) {
        Open& top = path.back();
        if (top.child == kNone) {
            if (top.function != kNone) --on_path[top.function];
            path.pop_back();
            continue;
        }
        const std::uint32_t node = top.child, caller = top.function;
        top.child = next[node];
        // None for the mark above truncated stacks: whoever is below it was called by nobody.
        const std::uint32_t function = function_of[profile.nodes[node].frame];
        if (function != kNone) {
            CalledFunction& f = builder[function];
            const std::uint64_t outermost = on_path[function]++ == 0 ? weights[node] : 0;
            f.self += profile.nodes[node].self;
            f.total += outermost;
            if (caller != kNone) builder.edge(caller, function).weight += outermost;
        }
        path.push_back({function, first_child[node]});
    }
    builder.finish(graph);
    return graph;
}

CallGraph call_graph(const Trace& trace, const Tables& tables) {
    CallGraph graph{.title = "calls", .measure = "wall", .unit = ProfileUnit::nanoseconds, .exact = true};
    Builder builder;
    const auto function_of = [&](FrameId id) {
        const Frame& frame = tables.frames[id];
        return builder.function(tables.strings[frame.name], tables.strings[frame.module], frame.kind);
    };
    const auto weight = [](Nanos time) { return static_cast<std::uint64_t>(std::max(time, Nanos(0)).count()); };
    for (const FunctionUse& use : trace.functions) {
        CalledFunction& f = builder[function_of(use.function)];
        f.self += weight(use.self);
        f.total += weight(use.total);
        f.calls += use.calls;
        graph.total += weight(use.self);
    }
    for (const CallUse& use : trace.calls) {
        const std::uint32_t from = function_of(use.caller), to = function_of(use.function);
        CallEdge& edge = builder.edge(from, to);
        edge.weight += weight(use.total);
        edge.calls += use.calls;
    }
    builder.finish(graph);
    return graph;
}

}  // namespace autotune
