#include "rules/recluster/search.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <tuple>

namespace autotune::rules {

namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kGain = 1e-12;  // GB-s: less is no reason to change anything

double cost_if_allowed(const CallGraph& graph, const Group& group) {
    return group.empty() ? 0 : forbidden(graph, group) ? kNever : group_cost(graph, group);
}

Group joined(const Group& a, const Group& b) {
    Group both;
    std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    return both;
}

Group members(std::uint32_t set) {
    Group group;
    for (; set != 0; set &= set - 1) group.push_back(static_cast<FunctionId>(std::countr_zero(set)));
    return group;
}

Found tidy(Grouping groups, const CallGraph& graph) {
    std::erase_if(groups, [](const Group& g) { return g.empty(); });
    std::sort(groups.begin(), groups.end());
    Found found{.groups = std::move(groups)};
    for (const Group& g : found.groups) found.cost += group_cost(graph, g);
    return found;
}

class Heuristic {
public:
    explicit Heuristic(const CallGraph& graph) : graph_(&graph) {
        for (FunctionId f = 0; f < graph.nodes.size(); ++f) {
            groups_.push_back({f});
            costs_.push_back(group_cost(graph, {f}));
            of_.push_back(f);
        }
    }

    void contract() {
        struct Merge {
            double gain;
            std::uint32_t a, b;
            bool operator<(const Merge& o) const { return std::tuple(-gain, a, b) < std::tuple(-o.gain, o.a, o.b); }
        };
        std::set<Merge> queue;
        std::vector<std::vector<Merge>> of(groups_.size());
        const auto offer = [&](std::uint32_t a, std::uint32_t b) {
            if (a > b) std::swap(a, b);
            const double gain = costs_[a] + costs_[b] - cost_if_allowed(*graph_, joined(groups_[a], groups_[b]));
            if (!(gain > kGain)) return;
            queue.insert({gain, a, b});
            of[a].push_back({gain, a, b}), of[b].push_back({gain, a, b});
        };
        for (std::uint32_t g = 0; g < groups_.size(); ++g)
            for (const std::uint32_t n : neighbours(g))
                if (n > g) offer(g, n);
        while (!queue.empty()) {
            const Merge best = *queue.begin();
            for (const std::uint32_t g : {best.a, best.b}) {
                for (const Merge& m : of[g]) queue.erase(m);
                of[g].clear();
            }
            merge(best.a, best.b);
            for (const std::uint32_t n : neighbours(best.a)) offer(best.a, n);
        }
    }

    // One function at a time to where it costs least, or two groups into one; while anything gets better.
    void improve() {
        for (int round = 0; round < 50; ++round) {
            bool better = false;
            for (FunctionId f = 0; f < of_.size(); ++f) better = move(f) || better;
            for (std::uint32_t g = 0; g < groups_.size(); ++g)
                if (!groups_[g].empty()) better = absorb(g) || better;
            if (!better) return;
        }
    }
    [[nodiscard]] Found take() const { return tidy(groups_, *graph_); }

    // Starts from one group of all that calls connect, where that is allowed, and takes apart.
    void pile_up() {
        for (std::uint32_t g = 0; g < groups_.size(); ++g)
            for (bool again = !groups_[g].empty(); again;) {
                again = false;
                for (const std::uint32_t n : neighbours(g))
                    if (!forbidden(*graph_, joined(groups_[g], groups_[n]))) {
                        merge(g, n), again = true;
                        break;
                    }
            }
    }

    [[nodiscard]] double cost() const { return std::accumulate(costs_.begin(), costs_.end(), 0.0); }

    // Some neighbours of a function are taken out of their groups, each alone, all as one, or into a group beside: a step over a hill.
    void shake(std::mt19937_64& draw) {
        std::vector<FunctionId> ball{static_cast<FunctionId>(draw() % of_.size())};
        for (std::size_t want = 1 + draw() % 6, tries = 0; ball.size() < want && tries < 20; ++tries) {
            const auto& near = graph_->nodes[ball[draw() % ball.size()]].neighbours;
            if (near.empty()) break;
            const FunctionId next = near[draw() % near.size()];
            if (std::find(ball.begin(), ball.end(), next) == ball.end()) ball.push_back(next);
        }
        std::sort(ball.begin(), ball.end());
        const auto how = draw() % 3;
        const bool together = how > 0 && !forbidden(*graph_, ball);
        for (const FunctionId f : ball) detach(f);
        if (together)
            for (std::size_t k = 1; k < ball.size(); ++k)
                if (const std::uint32_t a = of_[ball[0]], b = of_[ball[k]];
                    a != b && !forbidden(*graph_, joined(groups_[a], groups_[b])))
                    merge(a, b);
        const auto near = neighbours(of_[ball[0]]);
        if (how < 2 || near.empty()) return;
        const std::uint32_t into = *std::next(near.begin(), static_cast<std::ptrdiff_t>(draw() % near.size()));
        if (!forbidden(*graph_, joined(groups_[into], groups_[of_[ball[0]]]))) merge(into, of_[ball[0]]);
    }

private:
    // Into a group of its own, where what is left may be without it.
    void detach(FunctionId f) {
        const std::uint32_t here = of_[f];
        if (groups_[here].size() == 1) return;
        Group without = groups_[here];
        std::erase(without, f);
        if (forbidden(*graph_, without)) return;
        const auto empty = std::find(groups_.begin(), groups_.end(), Group());
        const auto to = static_cast<std::uint32_t>(empty - groups_.begin());
        groups_[here] = std::move(without), costs_[here] = group_cost(*graph_, groups_[here]);
        groups_[to] = {f}, costs_[to] = group_cost(*graph_, groups_[to]), of_[f] = to;
    }
    [[nodiscard]] std::set<std::uint32_t> neighbours(std::uint32_t g) const {
        std::set<std::uint32_t> near;
        for (const FunctionId f : groups_[g])
            for (const FunctionId n : graph_->nodes[f].neighbours)
                if (of_[n] != g) near.insert(of_[n]);
        return near;
    }
    void merge(std::uint32_t into, std::uint32_t from) {
        groups_[into] = joined(groups_[into], groups_[from]);
        for (const FunctionId f : groups_[from]) of_[f] = into;
        groups_[from].clear(), costs_[from] = 0;
        costs_[into] = group_cost(*graph_, groups_[into]);
    }
    bool move(FunctionId f) {
        const std::uint32_t here = of_[f];
        Group without = groups_[here];
        std::erase(without, f);
        const double rest = cost_if_allowed(*graph_, without);
        const double left = costs_[here] - rest;
        double best = kGain;
        std::optional<std::uint32_t> to;
        std::set<std::uint32_t> places;
        for (const FunctionId n : graph_->nodes[f].neighbours)
            if (of_[n] != here) places.insert(of_[n]);
        if (!without.empty())
            for (std::uint32_t g = 0; g < groups_.size(); ++g)
                if (groups_[g].empty()) {
                    places.insert(g);
                    break;
                }
        for (const std::uint32_t g : places) {
            const double gain = left + costs_[g] - cost_if_allowed(*graph_, joined(groups_[g], {f}));
            if (gain > best) best = gain, to = g;
        }
        if (!to) return false;
        groups_[here] = std::move(without), costs_[here] = rest;
        groups_[*to] = joined(groups_[*to], {f});
        costs_[*to] = group_cost(*graph_, groups_[*to]);
        of_[f] = *to;
        return true;
    }
    bool absorb(std::uint32_t g) {
        double best = kGain;
        std::optional<std::uint32_t> from;
        for (const std::uint32_t n : neighbours(g)) {
            const double gain = costs_[g] + costs_[n] - cost_if_allowed(*graph_, joined(groups_[g], groups_[n]));
            if (gain > best) best = gain, from = n;
        }
        if (from) merge(g, *from);
        return from.has_value();
    }

    const CallGraph* graph_;
    Grouping groups_;  // some empty
    std::vector<double> costs_;
    std::vector<std::uint32_t> of_;
};

}  // namespace

Found search_exact(const CallGraph& graph) {
    const std::size_t n = graph.nodes.size();
    const std::uint32_t all = (1u << n) - 1;
    std::vector<double> alone(all + 1, 0), best(all + 1, 0);
    std::vector<std::uint32_t> first(all + 1, 0);
    for (std::uint32_t set = 1; set <= all; ++set) alone[set] = cost_if_allowed(graph, members(set));
    for (std::uint32_t set = 1; set <= all; ++set) {
        const std::uint32_t lowest = set & (~set + 1), others = set ^ lowest;
        best[set] = kNever;
        // Every group that holds the lowest one; smaller groups first, so that a tie leaves functions apart.
        for (std::uint32_t with = 0;; with = (with - others) & others) {
            const double cost = alone[lowest | with] + best[others ^ with];
            if (cost < best[set] - kGain || with == 0) best[set] = cost, first[set] = lowest | with;
            if (with == others) break;
        }
    }
    Grouping groups;
    for (std::uint32_t set = all; set != 0; set ^= first[set]) groups.push_back(members(first[set]));
    return tidy(std::move(groups), graph);
}

Found search_heuristic(const CallGraph& graph) {
    Heuristic up(graph);
    up.contract();
    up.improve();
    // Savings that only come with a third function are found from the other end; large graphs have no time for it.
    if (graph.nodes.size() <= 100) {
        Heuristic down(graph);
        down.pile_up();
        down.improve();
        if (down.cost() < up.cost() - kGain) up = std::move(down);
    }
    const std::size_t shakes = std::clamp<std::size_t>(8'000 / graph.nodes.size(), 20, 600);
    std::mt19937_64 draw(graph.nodes.size());
    for (std::size_t s = 0; s < shakes; ++s) {
        Heuristic other = up;
        other.shake(draw);
        other.improve();
        if (other.cost() < up.cost() - kGain) up = std::move(other);
    }
    return up.take();
}

}  // namespace autotune::rules
