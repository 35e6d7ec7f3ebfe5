// Searches against each other on random graphs, as JSON lines: {"nodes","graphs","within_2_pct","worst_pct",…}.
//
// recluster_benchmark GRAPHS LARGE [SEED]: GRAPHS graphs of 2 to 12 nodes by both searches, then one of LARGE nodes by the
// heuristic alone.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "tests/rules/recluster/builders.hpp"

using namespace autotune::rules;

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
    const int graphs = argc > 1 ? std::atoi(argv[1]) : 1000;
    const int large = argc > 2 ? std::atoi(argv[2]) : 500;
    std::mt19937_64 draw(argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 20'261'126);
    int within = 0, same = 0, fused = 0;
    double worst = 0, exact_s = 0, heuristic_s = 0;
    for (int g = 0; g < graphs; ++g) {
        const CallGraph graph = test::random_graph(draw, 2 + draw() % 11);
        auto start = std::chrono::steady_clock::now();
        const Found exact = search_exact(graph);
        exact_s += seconds_since(start);
        start = std::chrono::steady_clock::now();
        const Found near = search_heuristic(graph);
        heuristic_s += seconds_since(start);
        const double over = 100 * (near.cost / exact.cost - 1);
        within += over <= 2, same += over <= 1e-7, fused += exact.groups.size() < graph.nodes.size();
        worst = std::max(worst, over);
    }
    std::printf(R"({"graphs":%d,"within_2_pct":%d,"same":%d,"fused":%d,"worst_pct":%.4f,"exact_s":%.3f,"heuristic_s":%.3f})" "\n",
                graphs, within, same, fused, worst, exact_s, heuristic_s);
    const CallGraph graph = test::random_graph(draw, static_cast<std::size_t>(large));
    const auto start = std::chrono::steady_clock::now();
    const Found found = search_heuristic(graph);
    std::printf(R"({"nodes":%d,"groups":%zu,"seconds":%.3f})" "\n", large, found.groups.size(), seconds_since(start));
}
