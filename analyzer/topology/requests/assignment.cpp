#include "analyzer/topology/requests/assignment.hpp"

#include <algorithm>
#include <functional>
#include <limits>

namespace autotune::analysis {

// Each child has a place of its own to stay alone at, numbered behind the parents. Costs are -gain; price_
// are the duals of places, and a path's cost is relative to the cheapest edge of its first child by them.
const std::vector<std::uint32_t>& Assignment::solve(std::span<const std::uint32_t> first,
                                                    std::span<const Edge> edges, std::size_t parents,
                                                    double alone) {
    constexpr double kFar = std::numeric_limits<double>::infinity();
    const std::size_t children = first.empty() ? 0 : first.size() - 1;
    const std::size_t places = parents + children;
    parent_of_.assign(children, kNone);
    child_of_.assign(places, kNone);
    from_.assign(places, kNone);
    price_.assign(places, 0.0);
    cost_.assign(places, kFar);
    done_.assign(places, 0);
    for (std::uint32_t start = 0; start < children; ++start) {
        touched_.clear();
        heap_.clear();
        std::uint32_t child = start, end = kNone;
        double so_far = 0, shortest = 0;
        std::uint32_t via = kNone;  // the place that `child` has now
        for (;;) {
            // What the child would lose by another place, against its own (or none).
            const auto reach = [&](std::uint32_t place, double cost_of_edge, double own) {
                if (done_[place]) return;
                const double cost = so_far + (cost_of_edge - price_[place]) - own;
                if (cost + 1e-12 < cost_[place]) {
                    if (cost_[place] == kFar) touched_.push_back(place);
                    cost_[place] = cost;
                    from_[place] = child;
                    heap_.push_back({cost, place});
                    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
                }
            };
            double own = 0;
            if (via != kNone) {
                double edge_cost = via >= parents ? -alone : 0;
                for (std::uint32_t e = first[child]; via < parents && e < first[child + 1]; ++e)
                    if (edges[e].parent == via) edge_cost = -edges[e].gain;
                own = edge_cost - price_[via];
            }
            for (std::uint32_t e = first[child]; e < first[child + 1]; ++e)
                reach(edges[e].parent, -edges[e].gain, own);
            reach(static_cast<std::uint32_t>(parents + child), -alone, own);
            std::uint32_t next = kNone;
            while (!heap_.empty()) {
                std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
                const Reached r = heap_.back();
                heap_.pop_back();
                if (done_[r.parent] || r.cost > cost_[r.parent]) continue;
                next = r.parent;
                break;
            }
            done_[next] = 1;  // there is one: the child's own place
            shortest = cost_[next];
            if (child_of_[next] == kNone) {
                end = next;
                break;
            }
            so_far = shortest;
            via = next;
            child = child_of_[next];
        }
        for (const std::uint32_t place : touched_)
            if (done_[place] && place != end) price_[place] += cost_[place] - shortest;
        for (std::uint32_t place = end;;) {
            const std::uint32_t who = from_[place];
            const std::uint32_t before = parent_of_[who];
            parent_of_[who] = place;
            child_of_[place] = who;
            if (who == start) break;
            place = before;
        }
        for (const std::uint32_t place : touched_)
            cost_[place] = kFar, done_[place] = 0, from_[place] = kNone;
    }
    for (std::uint32_t& place : parent_of_)
        if (place >= parents) place = kNone;
    return parent_of_;
}

}  // namespace autotune::analysis
