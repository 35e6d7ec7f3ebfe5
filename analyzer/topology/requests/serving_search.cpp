#include "analyzer/topology/requests/serving_search.hpp"

#include <algorithm>
#include <cmath>

namespace autotune::analysis {

namespace {
constexpr std::size_t kMostCandidates = 24;
}  // namespace

bool ServingSearch::holds(const Incoming& p, const Outgoing& k) {
    return p.start <= k.start && k.end <= p.end + kOverrun * (p.end - p.start);
}

ServingSearch::ServingSearch(const ServiceCalls& calls, double step_us) : calls_(calls), step_us_(step_us) {
    parent_.assign(calls.outgoing.size(), kNone);
    kids_.resize(calls.incoming.size());
    scores_.assign(calls.incoming.size(), 0);
    changed_.assign(calls.incoming.size(), 0);
    find_candidates();
}

bool ServingSearch::can(std::uint32_t parent, std::uint32_t kid) const {
    const Outgoing& k = calls_.outgoing[kid];
    if (!calls_.self.empty() && calls_.self[kid] == parent) return false;
    if (calls_.members.empty()) return holds(calls_.incoming[parent], k);
    return std::any_of(calls_.members[parent].begin(), calls_.members[parent].end(),
                       [&](const Incoming& m) { return holds(m, k); });
}

void ServingSearch::find_candidates() {
    const auto& in = calls_.incoming;
    const auto& out = calls_.outgoing;
    contested_.assign(in.size(), 0);
    std::vector<std::uint32_t> open;
    std::vector<std::uint32_t> near;
    std::vector<std::pair<double, std::uint32_t>> nearest;
    std::size_t next = 0;
    first_.assign(1, 0);
    for (std::uint32_t c = 0; c < out.size(); ++c) {
        while (next < in.size() && in[next].start <= out[c].start)
            open.push_back(static_cast<std::uint32_t>(next++));
        std::size_t kept = 0;
        near.clear();
        if (fixed(c)) {
            candidates_.push_back(calls_.given[c]);
            first_.push_back(static_cast<std::uint32_t>(candidates_.size()));
            continue;
        }
        for (const std::uint32_t p : open) {
            if (in[p].end < out[c].start) continue;
            open[kept++] = p;
            if (in[p].end - out[c].end >= -kOverrun * (in[p].end - in[p].start) && can(p, c)) near.push_back(p);
        }
        open.resize(kept);
        if (near.size() > kMostCandidates) {
            nearest.clear();
            for (const std::uint32_t p : near) {
                const double left = in[p].end - out[c].end;
                nearest.push_back({std::log1p(out[c].start - in[p].start) +
                                       (left >= 0 ? std::log1p(left) : 6 + std::log1p(-left)),
                                   p});
            }
            std::nth_element(nearest.begin(), nearest.begin() + kMostCandidates, nearest.end());
            near.clear();
            for (std::size_t i = 0; i < kMostCandidates; ++i) near.push_back(nearest[i].second);
            std::sort(near.begin(), near.end());
        }
        std::size_t within = 0;
        for (const std::uint32_t p : near) within += in[p].end >= out[c].end;
        for (const std::uint32_t p : near) {
            candidates_.push_back(p);
            if (within > 1) contested_[p] = 1;
        }
        first_.push_back(static_cast<std::uint32_t>(candidates_.size()));
    }
}

void ServingSearch::place(std::uint32_t kid, std::uint32_t parent) {
    ++change_;
    if (const std::uint32_t before = parent_[kid]; before != kNone) {
        std::erase(kids_[before], kid);
        changed_[before] = change_;
    }
    parent_[kid] = parent;
    if (parent == kNone) return;
    Kids& kids = kids_[parent];
    kids.insert(std::lower_bound(kids.begin(), kids.end(), kid), kid);  // numbers are in order of start
    changed_[parent] = change_;
}

void ServingSearch::set_parents(const std::vector<std::uint32_t>& parents) {
    for (std::uint32_t c = 0; c < parents.size(); ++c)
        if (parents[c] != parent_[c]) place(c, parents[c]);
}

void ServingSearch::set_kids(std::uint32_t parent, const Kids& kids) {
    changed_[parent] = ++change_;
    kids_[parent] = kids;
    for (const std::uint32_t k : kids) parent_[k] = parent;
}

std::vector<std::uint32_t> ServingSearch::rivals(std::uint32_t parent) const {
    std::vector<std::uint32_t> others;
    for (const std::uint32_t k : kids_[parent])
        for (std::uint32_t e = first_[k]; e < first_[k + 1]; ++e)
            if (candidates_[e] != parent) others.push_back(candidates_[e]);
    std::sort(others.begin(), others.end());
    others.erase(std::unique(others.begin(), others.end()), others.end());
    return others;
}

void ServingSearch::guess() {
    std::vector<std::uint32_t> first, who;
    std::vector<Edge> edges;
    for (std::uint32_t type = 0; type < calls_.types; ++type) {
        first.assign(1, 0);
        who.clear();
        edges.clear();
        for (std::uint32_t c = 0; c < calls_.outgoing.size(); ++c) {
            const Outgoing& o = calls_.outgoing[c];
            if (o.type != type) continue;
            for (std::uint32_t e = first_[c]; e < first_[c + 1]; ++e) {
                const Incoming& p = calls_.incoming[candidates_[e]];
                const double gain =
                    -std::log1p(o.start - p.start) -
                    (p.end >= o.end ? std::log1p(p.end - o.end) : 6 + std::log1p(o.end - p.end)) +
                    (kids_[candidates_[e]].empty() ? 0 : 6);
                edges.push_back({candidates_[e], gain});
            }
            who.push_back(c);
            first.push_back(static_cast<std::uint32_t>(edges.size()));
        }
        const auto& found = assignment_.solve(first, edges, calls_.incoming.size(), -1000);
        for (std::size_t i = 0; i < who.size(); ++i) {
            if (found[i] != kNone) {
                place(who[i], found[i]);
                continue;
            }
            // More calls than callers that have none: to the nearest.
            double best = -1e300;
            std::uint32_t to = kNone;
            for (std::uint32_t e = first[i]; e < first[i + 1]; ++e)
                if (edges[e].gain > best) best = edges[e].gain, to = edges[e].parent;
            place(who[i], to);
        }
    }
}

void ServingSearch::first_come() {
    for (std::uint32_t c = 0; c < calls_.outgoing.size(); ++c) {
        std::uint32_t to = kNone;
        for (std::uint32_t e = first_[c]; e < first_[c + 1] && to == kNone; ++e) {
            const auto& kids = kids_[candidates_[e]];
            if (std::none_of(kids.begin(), kids.end(), [&](std::uint32_t k) {
                    return calls_.outgoing[k].type == calls_.outgoing[c].type;
                }))
                to = candidates_[e];
        }
        if (to == kNone && first_[c] < first_[c + 1]) to = candidates_[first_[c]];
        place(c, to);
    }
}

std::size_t ServingSearch::certain() const {
    std::size_t n = 0;
    for (std::uint32_t p = 0; p < kids_.size(); ++p) n += !contested_[p] && !kids_[p].empty();
    return n;
}

}  // namespace autotune::analysis
