#include "analyzer/calls/call_cycles.hpp"

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/strong_components.hpp>

namespace autotune::analysis {

void mark_cycles(CallGraph& graph) {
    using Calls = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;
    Calls calls(graph.functions.size());
    for (const CallEdge& edge : graph.edges) {
        if (edge.from == edge.to) graph.functions[edge.from].calls_itself = true;
        boost::add_edge(edge.from, edge.to, calls);
    }
    std::vector<std::size_t> component(graph.functions.size());
    const auto count = boost::strong_components(
        calls, boost::make_iterator_property_map(component.begin(), boost::get(boost::vertex_index, calls)));
    std::vector<std::size_t> size(count);
    for (const std::size_t c : component) ++size[c];
    std::vector<std::uint32_t> number(count);
    std::uint32_t last = 0;
    for (std::size_t i = 0; i < component.size(); ++i) {
        const std::size_t c = component[i];
        if (size[c] < 2) continue;
        if (number[c] == 0) number[c] = ++last;
        graph.functions[i].cycle = number[c];
    }
}

}  // namespace autotune::analysis
