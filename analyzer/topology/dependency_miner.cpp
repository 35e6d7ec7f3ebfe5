#include "analyzer/topology/dependency_miner.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace autotune::analysis {

void DependencyMiner::add(const Flow& flow) {
    ++counters_.flows;
    if (flow.service >= flows_.size())
        flows_.resize(std::max<std::size_t>(flow.service + 1, names_.services()));
    ++flows_[flow.service];
    newest_ = std::max(newest_, flow.start);
    held_.push(flow);
    constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min();
    release(newest_ < kFirst + options_.hold_back_ns ? kFirst : newest_ - options_.hold_back_ns);
    while (held_.size() > options_.most_held) release(held_.top().start);
}

void DependencyMiner::release(std::int64_t until) {
    while (!held_.empty() && held_.top().start <= until) {
        const Flow flow = held_.top();
        held_.pop();
        if (!group_.empty() && flow.start != group_.front().start) work_on_group();
        group_.push_back(flow);
    }
}

void DependencyMiner::work_on_group() {
    const bool late = group_.front().start < now_;
    now_ = std::max(now_, group_.front().start);
    for (const Flow& flow : group_) open_.add(flow, names_.host_of(flow.service));
    if (late)  // some that are open began after it, some that contain it are forgotten: nothing is said of
               // them
        counters_.late += group_.size();
    else
        for (const Flow& flow : group_) find_parents(flow);
    group_.clear();
}

void DependencyMiner::find_parents(const Flow& flow) {
    parents_.clear();
    std::size_t count = 0;
    for (const std::uint32_t service : open_.services_of(flow.source)) {
        if (service == flow.service) continue;
        if (const std::size_t found = open_.containing(service, flow.start, flow.end); found > 0) {
            parents_.push_back({service, found});
            count += found;
        }
    }
    if (count == 0) return;
    ++counters_.contained;
    counters_.ambiguous += count > 1;
    if (count > 1 && options_.ambiguous == Ambiguous::exclusive) return;
    for (const Parent& parent : parents_) {
        const std::uint64_t key = std::uint64_t{parent.service} << 32 | flow.service;
        const double weight = static_cast<double>(parent.count) / static_cast<double>(count);
        if (const auto known = edges_.find(key); known != edges_.end())
            known->second += weight;
        else if (edges_.size() < options_.most_edges)
            edges_.emplace(key, weight);
        else
            ++counters_.edges_dropped;
    }
}

Candidates DependencyMiner::finish() {
    release(std::numeric_limits<std::int64_t>::max());
    if (!group_.empty()) work_on_group();
    Candidates out{.flows = std::move(flows_), .edges = {}, .counters = counters_};
    out.flows.resize(names_.services());
    for (const auto& [key, weight] : edges_)
        out.edges.push_back({static_cast<std::uint32_t>(key >> 32), static_cast<std::uint32_t>(key), weight});
    std::sort(out.edges.begin(), out.edges.end(), [](const Candidate& a, const Candidate& b) {
        return std::tie(a.from, a.to) < std::tie(b.from, b.to);
    });
    return out;
}

}  // namespace autotune::analysis
