#include "rules/recluster/graph.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "rules/plan/time_model.hpp"

namespace autotune::rules {

double time_scale(const std::optional<double>& cpu_share, double from_mb, double to_mb) {
    return cpu_share ? TimeModel{.from_mb = from_mb, .cpu_share = *cpu_share}.time_ratio(to_mb) : 1;
}

std::vector<std::pair<std::size_t, std::size_t>> clusters(const RecordedInvocation& invocation,
                                                          std::vector<std::size_t>& calls) {
    calls.clear();
    for (std::size_t c = 0; c < invocation.calls.size(); ++c)
        if (invocation.calls[c].sync) calls.push_back(c);
    std::vector<std::pair<std::size_t, std::size_t>> out;
    double end = 0, shortest = 0;
    for (std::size_t k = 0; k < calls.size(); ++k) {
        const RecordedCall& call = invocation.calls[calls[k]];
        const double overlap = end - call.start_ms;
        const bool together = !out.empty() && overlap > 1 && overlap > 0.05 * std::min(shortest, call.duration_ms);
        if (together) {
            out.back().second = k + 1;
            shortest = std::min(shortest, call.duration_ms);
        } else {
            out.emplace_back(k, k + 1);
            end = call.start_ms, shortest = call.duration_ms;
        }
        end = std::max(end, call.start_ms + call.duration_ms);
    }
    return out;
}

double waited(const RecordedInvocation& invocation, const std::vector<std::size_t>& calls,
              std::pair<std::size_t, std::size_t> cluster) {
    const double start = invocation.calls[calls[cluster.first]].start_ms;
    double until = start;
    for (std::size_t k = cluster.first; k < cluster.second; ++k) {
        const RecordedCall& call = invocation.calls[calls[k]];
        until = std::max(until, call.start_ms + call.duration_ms);
    }
    return until - start;
}

namespace {

struct Sum {
    double times = 0, wait = 0;
    std::vector<PatternCall> calls;  // sums
};

class Means {
public:
    Means(const Links& links, CallGraph& graph)
        : links_(links), graph_(graph), durations_(graph.nodes.size()), patterns_(graph.nodes.size()) {}

    void add(const Trace& trace) {
        for (const RecordedInvocation& i : trace.invocations) {
            FunctionNode& node = graph_.nodes[i.function];
            if (node.traits.memory_mb == 0) node.memory_mb = i.memory_mb;
            durations_[i.function].push_back(i.duration());
            if (i.reached != RecordedInvocation::Reached::local)
                node.extra_ms += std::max(0.0, i.billed_ms - i.duration());
            double waits = 0;
            for (const auto& cluster : clusters(i, calls_)) waits += add(trace, i, cluster);
            node.own_ms += std::max(0.0, i.duration() - waits);
        }
    }
    void finish(double requests) {
        for (FunctionId f = 0; f < graph_.nodes.size(); ++f) {
            FunctionNode& node = graph_.nodes[f];
            node.own_ms /= requests, node.extra_ms /= requests;
            if (auto& all = durations_[f]; !all.empty()) {
                const auto at = all.begin() + static_cast<std::ptrdiff_t>(0.99 * static_cast<double>(all.size() - 1));
                std::nth_element(all.begin(), at, all.end());
                node.p99_ms = *at;
            }
            for (auto& [callees, sum] : patterns_[f]) {
                for (PatternCall& call : sum.calls)
                    call.offset_ms /= sum.times, call.callee_ms /= sum.times, call.overhead_ms /= sum.times;
                std::sort(sum.calls.begin(), sum.calls.end(),
                          [](const PatternCall& a, const PatternCall& b) { return a.offset_ms < b.offset_ms; });
                node.patterns.push_back({sum.times / requests, sum.wait / sum.times, std::move(sum.calls)});
            }
        }
    }

private:
    // The caller's wait; 0 where none of the calls is of a function of the log.
    double add(const Trace& trace, const RecordedInvocation& i, std::pair<std::size_t, std::size_t> cluster) {
        std::vector<std::size_t> known;
        for (std::size_t k = cluster.first; k < cluster.second; ++k) {
            const RecordedCall& call = i.calls[calls_[k]];
            // Who calls itself does so as before.
            if (call.invocation && call.callee != i.function) known.push_back(calls_[k]);
        }
        if (known.empty()) return 0;
        std::stable_sort(known.begin(), known.end(),
                         [&](std::size_t a, std::size_t b) { return i.calls[a].callee < i.calls[b].callee; });
        std::vector<FunctionId> key;
        for (const std::size_t k : known) key.push_back(i.calls[k].callee);
        Sum& sum = patterns_[i.function][key];
        const double start = i.calls[calls_[cluster.first]].start_ms, wait = waited(i, calls_, cluster);
        ++sum.times, sum.wait += wait;
        sum.calls.resize(known.size());
        for (std::size_t k = 0; k < known.size(); ++k) {
            const RecordedCall& call = i.calls[known[k]];
            const double takes = trace.invocations[*call.invocation].duration();
            sum.calls[k].callee = call.callee;
            sum.calls[k].offset_ms += call.start_ms - start, sum.calls[k].callee_ms += takes;
            sum.calls[k].overhead_ms += call.local ? links_.overheads.between(i.function, call.callee)
                                                   : std::max(0.0, call.duration_ms - takes);
        }
        return wait;
    }

    const Links& links_;
    CallGraph& graph_;
    std::vector<std::vector<double>> durations_;
    std::vector<std::map<std::vector<FunctionId>, Sum>> patterns_;
    std::vector<std::size_t> calls_;
};

bool holds(const Group& group, FunctionId f) { return std::binary_search(group.begin(), group.end(), f); }

double share_of(const FunctionNode& node) { return node.traits.cpu_share.value_or(kUnknownShare); }

std::optional<std::string> differ(const CallGraph& graph, const Group& group, std::string FunctionTraits::*trait,
                                  std::string_view what) {
    const FunctionNode& first = graph.nodes[group[0]];
    for (const FunctionId f : group) {
        const FunctionNode& other = graph.nodes[f];
        const std::string &a = first.traits.*trait, &b = other.traits.*trait;
        if (a == b) continue;
        const auto shown = [](const std::string& s) { return s.empty() ? std::string("not known") : s; };
        return std::string(what) + ": " + first.name + " " + shown(a) + ", " + other.name + " " + shown(b);
    }
    return std::nullopt;
}

double wait_for(const CallGraph& graph, const Group& group, const CallPattern& pattern, double memory) {
    return pattern_length(
        pattern.calls, [&](std::size_t i) { return holds(group, pattern.calls[i].callee); },
        [&](std::size_t i) {
            const PatternCall& call = pattern.calls[i];
            const FunctionNode& callee = graph.nodes[call.callee];
            return call.callee_ms *
                   (holds(group, call.callee) ? time_scale(callee.traits.cpu_share, callee.memory_mb, memory) : 1);
        },
        [&](std::size_t i) { return share_of(graph.nodes[pattern.calls[i].callee]); });
}

// Peaks of those that run at once count together.
double peak_of(const CallGraph& graph, const Group& group) {
    double most = 0;
    for (const FunctionId f : group) {
        most = std::max(most, graph.nodes[f].traits.peak_mb);
        for (const CallPattern& p : graph.nodes[f].patterns) {
            double sum = graph.nodes[f].traits.peak_mb;
            std::size_t inside = 0;
            for (const PatternCall& call : p.calls)
                if (holds(group, call.callee)) sum += graph.nodes[call.callee].traits.peak_mb, ++inside;
            if (inside > 1) most = std::max(most, sum);
        }
    }
    return most;
}

}  // namespace

void complete(CallGraph& graph) {
    const std::size_t n = graph.nodes.size();
    graph.alone.assign(n, false);
    graph.apart.assign(n, {});
    for (FunctionId f = 0; f < n; ++f) {
        FunctionNode& node = graph.nodes[f];
        graph.alone[f] = graph.constraints.alone.contains(node.name);
        for (std::uint32_t set = 0; set < graph.constraints.apart.size(); ++set) {
            const auto& names = graph.constraints.apart[set];
            if (std::find(names.begin(), names.end(), node.name) != names.end()) graph.apart[f].push_back(set);
        }
        for (const CallPattern& p : node.patterns)
            for (const PatternCall& call : p.calls)
                if (call.callee != f) node.neighbours.push_back(call.callee), graph.nodes[call.callee].neighbours.push_back(f);
    }
    for (FunctionNode& node : graph.nodes) {
        std::sort(node.neighbours.begin(), node.neighbours.end());
        node.neighbours.erase(std::unique(node.neighbours.begin(), node.neighbours.end()), node.neighbours.end());
    }
}

CallGraph build_graph(const CallLog& log, const Links& links, const GroupConstraints& constraints,
                      const std::vector<std::uint32_t>& traces) {
    CallGraph graph;
    graph.constraints = constraints;
    for (const std::string& name : log.functions) {
        FunctionNode node;
        node.name = name;
        if (const auto found = constraints.functions.find(name); found != constraints.functions.end())
            node.traits = found->second;
        if (node.traits.memory_mb > 0) node.memory_mb = node.traits.memory_mb;
        graph.nodes.push_back(std::move(node));
    }
    Means means(links, graph);
    for (const std::uint32_t t : traces) means.add(log.traces[t]);
    means.finish(static_cast<double>(std::max<std::size_t>(1, traces.size())));
    complete(graph);
    return graph;
}

double group_memory(const CallGraph& graph, const Group& group) {
    double most = 0;
    for (const FunctionId f : group) most = std::max(most, graph.nodes[f].memory_mb);
    return group.size() > 1 ? std::max(most, std::ceil(1.15 * peak_of(graph, group))) : most;
}

double group_cost(const CallGraph& graph, const Group& group) {
    const double memory = group_memory(graph, group);
    double time = 0;
    for (const FunctionId f : group) {
        const FunctionNode& node = graph.nodes[f];
        time += node.own_ms * time_scale(node.traits.cpu_share, node.memory_mb, memory) + node.extra_ms;
        for (const CallPattern& p : node.patterns) {
            time += p.rate * wait_for(graph, group, p, memory);
            // What runs inside is billed with its caller.
            for (const PatternCall& call : p.calls)
                if (const FunctionNode& callee = graph.nodes[call.callee]; holds(group, call.callee))
                    time -= p.rate * call.callee_ms * time_scale(callee.traits.cpu_share, callee.memory_mb, memory);
        }
    }
    return memory / 1024 * time / 1000;
}

std::optional<std::string> forbidden(const CallGraph& graph, const Group& group) {
    if (group.size() < 2) return std::nullopt;
    const GroupConstraints& c = graph.constraints;
    if (c.most_functions > 0 && group.size() > c.most_functions)
        return "max_functions: " + std::to_string(c.most_functions);
    std::vector<bool> taken(c.apart.size(), false);
    for (const FunctionId f : group) {
        if (graph.alone[f]) return "do_not_fuse: " + graph.nodes[f].name;
        for (const std::uint32_t set : graph.apart[f]) {
            if (taken[set]) return "do_not_fuse: " + graph.nodes[f].name + " with another of its list";
            taken[set] = true;
        }
    }
    if (auto d = differ(graph, group, &FunctionTraits::runtime, "runtime")) return d;
    if (auto d = differ(graph, group, &FunctionTraits::architecture, "architecture")) return d;
    if (auto d = differ(graph, group, &FunctionTraits::role, "role")) return d;
    if (auto d = differ(graph, group, &FunctionTraits::network, "network")) return d;
    const double memory = group_memory(graph, group);
    if (memory > c.most_memory_mb) return "max_memory_mb: " + std::to_string(static_cast<long>(memory)) + " would be needed";
    for (const FunctionId f : group) {
        const FunctionNode& node = graph.nodes[f];
        const double timeout = node.traits.timeout_ms;  // its own: that is the deployment's who calls it from outside
        if (timeout == 0) continue;
        double p99 = node.p99_ms;  // and what its waits grow by where they are no longer in parallel
        for (const CallPattern& p : node.patterns) p99 += std::max(0.0, wait_for(graph, group, p, memory) - p.wait_ms);
        if (p99 > 0.8 * timeout)
            return "timeout: " + node.name + "'s p99 would be " + std::to_string(static_cast<long>(p99)) + " of " +
                   std::to_string(static_cast<long>(timeout)) + " ms";
    }
    return std::nullopt;
}

}  // namespace autotune::rules
