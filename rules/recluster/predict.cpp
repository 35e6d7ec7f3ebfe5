#include "rules/recluster/predict.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>

namespace autotune::rules {

namespace {

using Reached = RecordedInvocation::Reached;

struct Request {
    double gb_s = 0, root_ms = 0;
};

class Simulator {
public:
    Simulator(const CallGraph& graph, const Links& links, const Grouping& groups, const std::vector<double>& memory)
        : graph_(graph), links_(links), memory_(memory), of_(graph.nodes.size()) {
        for (std::uint32_t g = 0; g < groups.size(); ++g)
            for (const FunctionId f : groups[g]) of_[f] = {g, groups[g].size() > 1};
    }

    static Request recorded(const Trace& trace) {
        Request out;
        for (const RecordedInvocation& i : trace.invocations)
            if (i.reached != Reached::local) out.gb_s += i.memory_mb / 1024 * i.billed_ms / 1000;
        out.root_ms = trace.invocations[trace.root].duration();
        return out;
    }

    Request grouped(const Trace& trace) {
        const auto& all = trace.invocations;
        duration_.assign(all.size(), 0);
        billed_.assign(all.size(), true);
        order(trace);
        for (auto at = order_.rbegin(); at != order_.rend(); ++at) duration_[*at] = run(all, *at);
        Request out;
        for (std::uint32_t i = 0; i < all.size(); ++i) {
            if (!billed_[i]) continue;
            const double now = duration_[i];
            const double was = all[i].reached == Reached::local ? std::ceil(all[i].duration()) : all[i].billed_ms;
            const double billed = std::max(0.0, was + now - all[i].duration());
            out.gb_s += memory(all[i]) / 1024 * billed / 1000;
        }
        out.root_ms = duration_[trace.root];
        return out;
    }

private:
    // Alone it stays as it is, unless people said another memory.
    [[nodiscard]] double memory(const RecordedInvocation& i) const {
        const bool stays = !of_[i.function].second && graph_.nodes[i.function].traits.memory_mb == 0;
        return stays && i.reached != Reached::local ? i.memory_mb : memory_[of_[i.function].first];
    }
    // Callers before callees.
    void order(const Trace& trace) {
        const auto& all = trace.invocations;
        order_.clear();
        std::vector<bool> called(all.size(), false);
        for (const RecordedInvocation& i : all)
            for (const RecordedCall& call : i.calls)
                if (call.invocation) called[*call.invocation] = true;
        for (std::uint32_t i = 0; i < all.size(); ++i)
            if (!called[i]) order_.push_back(i);
        for (std::size_t k = 0; k < order_.size(); ++k)
            for (const RecordedCall& call : all[order_[k]].calls)
                if (call.invocation) order_.push_back(*call.invocation);
    }
    double run(const std::vector<RecordedInvocation>& all, std::uint32_t index) {
        const RecordedInvocation& i = all[index];
        const FunctionNode& node = graph_.nodes[i.function];
        double own = i.duration(), waits = 0;
        for (const auto& cluster : clusters(i, sync_)) {
            const auto [begin, end] = cluster;
            calls_.clear(), local_.clear(), shares_.clear();
            const double start = i.calls[sync_[begin]].start_ms;
            for (std::size_t k = begin; k < end; ++k) {
                const RecordedCall& call = i.calls[sync_[k]];
                PatternCall p{.callee = call.callee, .offset_ms = call.start_ms - start, .callee_ms = call.duration_ms};
                bool inside = false;
                if (call.invocation) {
                    const double was = all[*call.invocation].duration();
                    p.callee_ms = duration_[*call.invocation];
                    p.overhead_ms = call.local ? links_.overheads.between(i.function, call.callee)
                                               : std::max(0.0, call.duration_ms - was);
                    inside = call.callee == i.function ? call.local : of_[i.function].first == of_[call.callee].first;
                    if (inside) billed_[*call.invocation] = false;
                }
                calls_.push_back(p), local_.push_back(inside);
                shares_.push_back(graph_.nodes[call.callee].traits.cpu_share.value_or(kUnknownShare));
            }
            own -= waited(i, sync_, cluster);
            // What was local already overlaps as it was seen to.
            const bool unchanged = std::equal(local_.begin(), local_.end(), sync_.begin() + static_cast<std::ptrdiff_t>(begin),
                                              [&](bool inside, std::size_t c) { return inside && i.calls[c].local; });
            waits += pattern_length(
                calls_, [&](std::size_t k) { return local_[k]; }, [&](std::size_t k) { return calls_[k].callee_ms; },
                [&](std::size_t k) { return unchanged ? 0.0 : shares_[k]; });
        }
        return std::max(0.0, own) * time_scale(node.traits.cpu_share, i.memory_mb, memory(i)) + waits;
    }

    const CallGraph& graph_;
    const Links& links_;
    const std::vector<double>& memory_;
    std::vector<std::pair<std::uint32_t, bool>> of_;  // by function: its group, whether it is not alone there
    std::vector<double> duration_, shares_;
    std::vector<bool> billed_, local_;
    std::vector<std::uint32_t> order_;
    std::vector<std::size_t> sync_;
    std::vector<PatternCall> calls_;
};

// Traces drawn with replacement: how often each, then quantiles by one walk in order of size.
class Bootstrap {
public:
    Bootstrap(const std::vector<Request>& before, const std::vector<Request>& after)
        : before_(before), after_(after), by_before_(by_time(before)), by_after_(by_time(after)), times_(before.size(), 1) {}

    void run(std::uint32_t samples, std::uint64_t seed, Regrouping& out) {
        const auto [cost, p50, p99] = figures();
        out.gb_s = cost, out.root_p50 = p50, out.root_p99 = p99;
        std::mt19937_64 draw(seed);
        std::vector<double> costs, halves, tails;
        for (std::uint32_t s = 0; s < samples; ++s) {
            std::fill(times_.begin(), times_.end(), 0);
            for (std::size_t k = 0; k < times_.size(); ++k) ++times_[draw() % times_.size()];
            const auto [c, h, t] = figures();
            costs.push_back(c.pct()), halves.push_back(h.pct()), tails.push_back(t.pct());
        }
        interval(costs, out.gb_s), interval(halves, out.root_p50), interval(tails, out.root_p99);
    }

private:
    static std::vector<std::uint32_t> by_time(const std::vector<Request>& requests) {
        std::vector<std::uint32_t> order(requests.size());
        std::iota(order.begin(), order.end(), 0u);
        std::sort(order.begin(), order.end(),
                  [&](std::uint32_t a, std::uint32_t b) { return requests[a].root_ms < requests[b].root_ms; });
        return order;
    }
    static void interval(std::vector<double>& values, Change& change) {
        if (values.empty()) return;
        std::sort(values.begin(), values.end());
        const auto last = static_cast<double>(values.size() - 1);
        change.low_pct = values[static_cast<std::size_t>(std::floor(0.025 * last))];
        change.high_pct = values[static_cast<std::size_t>(std::ceil(0.975 * last))];
    }
    // Nearest rank.
    [[nodiscard]] double quantile(const std::vector<Request>& of, const std::vector<std::uint32_t>& order, double p) const {
        const auto rank = static_cast<std::uint64_t>(std::ceil(p * static_cast<double>(order.size())));
        std::uint64_t seen = 0;
        for (const std::uint32_t k : order)
            if ((seen += times_[k]) >= rank) return of[k].root_ms;
        return 0;
    }
    [[nodiscard]] std::tuple<Change, Change, Change> figures() const {
        Change cost;
        for (std::size_t k = 0; k < times_.size(); ++k)
            cost.before += times_[k] * before_[k].gb_s, cost.after += times_[k] * after_[k].gb_s;
        cost.before /= static_cast<double>(times_.size()), cost.after /= static_cast<double>(times_.size());
        const auto at = [&](double p) {
            return Change{quantile(before_, by_before_, p), quantile(after_, by_after_, p)};
        };
        return {cost, at(0.5), at(0.99)};
    }

    const std::vector<Request>&before_, &after_;
    std::vector<std::uint32_t> by_before_, by_after_, times_;
};

// Which functions are in one group as recorded: those between which calls were local.
std::vector<FunctionId> recorded_groups(const CallLog& log) {
    std::vector<FunctionId> up(log.functions.size());
    std::iota(up.begin(), up.end(), 0u);
    const auto top = [&](FunctionId f) {
        while (up[f] != f) f = up[f] = up[up[f]];
        return f;
    };
    for (const Trace& trace : log.traces)
        for (const RecordedInvocation& i : trace.invocations)
            for (const RecordedCall& call : i.calls)
                if (call.local) up[std::max(top(i.function), top(call.callee))] = std::min(top(i.function), top(call.callee));
    for (FunctionId f = 0; f < up.size(); ++f) up[f] = top(f);
    return up;
}

void compare(const CallLog& log, Regrouping& out) {
    const std::vector<FunctionId> was = recorded_groups(log);
    std::map<FunctionId, std::set<std::size_t>> now;
    std::map<FunctionId, Group> members;
    for (std::size_t g = 0; g < out.groups.size(); ++g) {
        std::set<FunctionId> from;
        for (const FunctionId f : out.groups[g]) from.insert(was[f]), now[was[f]].insert(g), members[was[f]].push_back(f);
        if (from.size() > 1) out.fused.push_back(out.groups[g]);
    }
    for (auto& [group, places] : now)
        if (places.size() > 1) std::sort(members[group].begin(), members[group].end()), out.split.push_back(members[group]);
}

std::vector<Bound> bounds(const CallGraph& graph, const Grouping& groups) {
    std::vector<std::uint32_t> of(graph.nodes.size());
    for (std::uint32_t g = 0; g < groups.size(); ++g)
        for (const FunctionId f : groups[g]) of[f] = g;
    std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
    for (FunctionId f = 0; f < graph.nodes.size(); ++f)
        for (const FunctionId n : graph.nodes[f].neighbours)
            if (of[f] != of[n]) pairs.insert(std::minmax(of[f], of[n]));
    std::vector<Bound> out;
    for (const auto& [a, b] : pairs) {
        Group both;
        std::merge(groups[a].begin(), groups[a].end(), groups[b].begin(), groups[b].end(), std::back_inserter(both));
        const double gain = group_cost(graph, groups[a]) + group_cost(graph, groups[b]) - group_cost(graph, both);
        const auto why = forbidden(graph, both);
        if (why && gain > 0) out.push_back({std::move(both), *why, gain});
    }
    std::stable_sort(out.begin(), out.end(), [](const Bound& a, const Bound& b) { return a.lost > b.lost; });
    return out;
}

}  // namespace

Regrouping regroup(const CallLog& log, const Links& links, const GroupConstraints& constraints,
                   const RegroupOptions& options) {
    constexpr std::size_t kEnoughWarm = 10;
    Regrouping out{.traces = log.traces.size()};
    std::vector<std::uint32_t> used;
    for (std::uint32_t t = 0; t < log.traces.size(); ++t)
        if (log.traces[t].cold)
            ++out.cold;
        else
            used.push_back(t);
    if (used.size() < kEnoughWarm) {
        used.resize(log.traces.size());
        std::iota(used.begin(), used.end(), 0u);
    }
    out.used = used.size();
    const CallGraph graph = build_graph(log, links, constraints, used);
    out.exact = !options.groups && (options.method == SearchMethod::exact || (options.method == SearchMethod::automatic &&
                                                                              graph.nodes.size() <= kMostExact));
    out.groups = options.groups ? *options.groups : (out.exact ? search_exact(graph) : search_heuristic(graph)).groups;
    for (const Group& g : out.groups) out.memory_mb.push_back(group_memory(graph, g));
    compare(log, out);
    out.bounds = bounds(graph, out.groups);
    Simulator simulator(graph, links, out.groups, out.memory_mb);
    std::vector<Request> before, after;
    for (const std::uint32_t t : used)
        before.push_back(Simulator::recorded(log.traces[t])), after.push_back(simulator.grouped(log.traces[t]));
    // The order of a million traces is walked for each sample: fewer of them are as good there.
    const std::uint32_t samples = used.size() > 100'000 ? std::min(options.samples, 100u) : options.samples;
    Bootstrap(before, after).run(samples, options.seed, out);
    return out;
}

}  // namespace autotune::rules
