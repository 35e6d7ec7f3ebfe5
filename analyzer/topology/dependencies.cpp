#include "analyzer/topology/dependencies.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "analyzer/topology/disjoint_sets.hpp"

namespace autotune::analysis {

namespace {

constexpr std::size_t kMostTogether = 1'000;  // dependencies of one service that are compared two by two

double rank(Ranking ranking, double edge, std::uint64_t flows) {
    const auto all = static_cast<double>(flows);
    if (ranking == Ranking::ratio) return 100 * edge / all;
    if (edge <= 1) return 0;  // ln 1 is 0: seen once is no evidence
    return all > 1 ? 100 * std::log(edge) / std::log(all) : 0;
}

// By service, its cluster's first member; itself where it is in none.
std::vector<std::uint32_t> clusters(const std::vector<Candidate>& judged, const FlowNames& names,
                                    std::uint32_t support) {
    DisjointSets sets(names.services());
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t>
        together;  // pairs of dependencies: in how many services
    for (std::size_t i = 0; i < judged.size() && support > 0;) {
        std::map<std::uint32_t, std::vector<std::uint32_t>> by_port;
        std::size_t count = 0;
        const std::uint32_t from = judged[i].from;
        for (; i < judged.size() && judged[i].from == from; ++i)
            if (++count <= kMostTogether) by_port[names.label_of(judged[i].to)].push_back(judged[i].to);
        for (const auto& [port, servers] : by_port)
            for (std::size_t a = 0; a < servers.size(); ++a)
                for (std::size_t b = a + 1; b < servers.size(); ++b)
                    if (++together[{servers[a], servers[b]}] == support) sets.join(servers[a], servers[b]);
    }
    std::vector<std::uint32_t> out(names.services());
    for (std::uint32_t s = 0; s < out.size(); ++s) out[s] = sets.of(s);
    return out;
}

using Needs = std::map<std::uint32_t, std::map<std::uint32_t, Dependency>>;  // by from, by to

// Each server of a cluster has the cluster's rank.
Needs believed(const std::vector<Candidate>& judged, const Candidates& candidates,
               const std::vector<std::uint32_t>& cluster, const DependencyOptions& options) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, double> weight;  // by service and cluster
    for (const Candidate& c : judged) weight[{c.from, cluster[c.to]}] += c.weight;
    Needs out;
    for (const Candidate& c : judged) {
        const double confidence =
            rank(options.ranking, weight[{c.from, cluster[c.to]}], candidates.flows[c.from]);
        if (confidence >= options.alpha)
            out[c.from].emplace(c.to, Dependency{c.from, c.to, c.weight, confidence, false, 0});
    }
    return out;
}

double likeness(const std::map<std::uint32_t, Dependency>& a, const std::map<std::uint32_t, Dependency>& b) {
    const auto common = std::count_if(a.begin(), a.end(), [&](const auto& d) { return b.contains(d.first); });
    return static_cast<double>(common) / static_cast<double>(std::max(a.size(), b.size()));
}

void infer(Needs& needs, const FlowNames& names, const InferenceOptions& options) {
    std::map<std::uint32_t, std::vector<std::uint32_t>> by_port;
    for (const auto& [service, list] : needs) by_port[names.label_of(service)].push_back(service);
    DisjointSets sets(names.services());
    for (const auto& [port, services] : by_port)
        for (std::size_t a = 0; a < services.size(); ++a)
            for (std::size_t b = a + 1; b < services.size(); ++b)
                if (likeness(needs[services[a]], needs[services[b]]) >= options.similarity)
                    sets.join(services[a], services[b]);
    std::map<std::uint32_t, std::vector<std::uint32_t>> groups;
    for (const auto& [service, list] : needs) groups[sets.of(service)].push_back(service);
    for (const auto& [first, group] : groups) {
        std::map<std::uint32_t, std::vector<double>> held;  // confidences, by what is needed
        for (const std::uint32_t service : group)
            for (const auto& [to, d] : needs[service]) held[to].push_back(d.confidence);
        for (const auto& [to, confidences] : held) {
            const auto share = static_cast<double>(confidences.size()) / static_cast<double>(group.size());
            if (share <= options.agreement) continue;
            double sum = 0;
            for (const double c : confidences) sum += c;
            for (const std::uint32_t service : group)
                if (service != to)
                    needs[service].try_emplace(
                        to,
                        Dependency{service, to, 0, sum / static_cast<double>(confidences.size()), true, 0});
        }
    }
}

}  // namespace

DependencyGraph dependencies(const Candidates& candidates, const FlowNames& names,
                             const DependencyOptions& options) {
    std::vector<Candidate> judged;
    for (const Candidate& c : candidates.edges)
        if (candidates.flows[c.from] >= std::max<std::uint64_t>(options.least_flows, 1)) judged.push_back(c);
    const std::vector<std::uint32_t> cluster = clusters(judged, names, options.cluster_support);
    Needs needs = believed(judged, candidates, cluster, options);
    if (options.inference) infer(needs, names, *options.inference);

    std::set<std::uint32_t> seen;
    for (std::uint32_t s = 0; s < candidates.flows.size(); ++s)
        if (candidates.flows[s] > 0) seen.insert(s);
    for (const auto& [from, list] : needs)
        for (const auto& [to, d] : list) seen.insert({from, to});
    std::vector<std::pair<std::string, std::uint32_t>> order;
    for (const std::uint32_t s : seen) order.emplace_back(names.name(s), s);
    std::sort(order.begin(), order.end());

    DependencyGraph out;
    std::unordered_map<std::uint32_t, std::uint32_t> place;
    std::map<std::uint32_t, std::vector<std::uint32_t>> members;
    for (const auto& [name, s] : order) {
        place[s] = static_cast<std::uint32_t>(out.nodes.size());
        members[cluster[s]].push_back(place[s]);
        out.nodes.push_back({name, s < candidates.flows.size() ? candidates.flows[s] : 0});
    }
    std::map<std::uint32_t, std::uint32_t> number;  // of clusters of two and more
    for (auto& [first, list] : members)
        if (list.size() > 1) {
            out.clusters.push_back(list);
            number[first] = static_cast<std::uint32_t>(out.clusters.size());
        }
    for (const auto& [from, list] : needs)
        for (const auto& [to, d] : list) {
            const auto in = number.find(cluster[to]);
            out.edges.push_back({place[from], place[to], d.weight, d.confidence, d.inferred,
                                 in != number.end() ? in->second : 0});
        }
    std::sort(out.edges.begin(), out.edges.end(), [](const Dependency& a, const Dependency& b) {
        return std::tie(a.from, a.to) < std::tie(b.from, b.to);
    });
    return out;
}

}  // namespace autotune::analysis
