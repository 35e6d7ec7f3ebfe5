#include "analyzer/topology/requests/serving_search.hpp"

#include <algorithm>
#include <cmath>

namespace autotune::analysis {

namespace {
constexpr std::size_t kMostCandidates = 24;
constexpr double kAlone = -60;
constexpr double kOverrun = 0.2;  // a call may seem to end after what it was made for
}  // namespace

namespace {
bool holds(const Incoming& p, const Outgoing& k) {
    return p.start <= k.start && k.end <= p.end + kOverrun * (p.end - p.start);
}
}  // namespace

ServingSearch::ServingSearch(const ServiceCalls& calls, double step_us) : calls_(calls), step_us_(step_us) {
    parent_.assign(calls.outgoing.size(), kNone);
    kids_.resize(calls.incoming.size());
    scores_.assign(calls.incoming.size(), 0);
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
    std::vector<std::pair<double, std::uint32_t>> near;
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
            const double left = in[p].end - out[c].end;
            if (left >= -kOverrun * (in[p].end - in[p].start) && can(p, c))
                near.push_back({std::log1p(out[c].start - in[p].start) +
                                    (left >= 0 ? std::log1p(left) : 6 + std::log1p(-left)),
                                p});
        }
        open.resize(kept);
        if (near.size() > kMostCandidates) {
            std::nth_element(near.begin(), near.begin() + kMostCandidates, near.end());
            near.resize(kMostCandidates);
        }
        std::sort(near.begin(), near.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
        std::size_t within = 0;
        for (const auto& [cost, p] : near) within += in[p].end >= out[c].end;
        for (const auto& [cost, p] : near) {
            candidates_.push_back(p);
            if (within > 1) contested_[p] = 1;
        }
        first_.push_back(static_cast<std::uint32_t>(candidates_.size()));
    }
}

void ServingSearch::place(std::uint32_t kid, std::uint32_t parent) {
    if (parent_[kid] != kNone) std::erase(kids_[parent_[kid]], kid);
    parent_[kid] = parent;
    if (parent == kNone) return;
    Kids& kids = kids_[parent];
    kids.insert(std::lower_bound(kids.begin(), kids.end(), kid), kid);  // numbers are in order of start
}

void ServingSearch::set_parents(const std::vector<std::uint32_t>& parents) {
    for (auto& k : kids_) k.clear();
    parent_.assign(parents.size(), kNone);
    for (std::uint32_t c = 0; c < parents.size(); ++c)
        if (parents[c] != kNone) place(c, parents[c]);
}

void ServingSearch::set_kids(std::uint32_t parent, const Kids& kids) {
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

// Without a model: the one that ends soonest after the last of them.
std::uint32_t ServingSearch::likely_trigger(std::uint32_t request) const {
    const auto& members = calls_.members[request];
    std::uint32_t best = kNone;
    double best_left = 0;
    for (std::uint32_t m = 0; m < members.size(); ++m) {
        double left = 1e300;
        bool all = true;
        for (const std::uint32_t k : kids_[request]) {
            all = all && holds(members[m], calls_.outgoing[k]);
            left = std::min(left, std::fabs(members[m].end - calls_.outgoing[k].end));
        }
        if (all && (best == kNone || left < best_left)) best = m, best_left = left;
    }
    return best;
}

void ServingSearch::learn(ServingModel& model, double rare, bool certain_only, ServingModel::Choose choose) {
    std::vector<Outgoing> made(calls_.outgoing.size());
    std::vector<Served> seen;
    std::size_t at = 0, all = 0, empty = 0;
    for (std::uint32_t p = 0; p < kids_.size(); ++p) {
        if (certain_only && contested_[p]) continue;
        const std::size_t begin = at;
        for (const std::uint32_t k : kids_[p]) made[at++] = calls_.outgoing[k];
        const auto these = std::span<const Outgoing>(made).subspan(begin, at - begin);
        ++all, empty += these.empty();
        if (calls_.members.empty()) {
            seen.push_back({calls_.incoming[p], these});
            continue;
        }
        const std::uint32_t t = these.empty()     ? kNone
                                : model.learned() ? trigger(model, p)
                                                  : likely_trigger(p);
        for (std::uint32_t m = 0; m < calls_.members[p].size(); ++m)
            seen.push_back({calls_.members[p][m], m == t ? these : std::span<const Outgoing>()});
    }
    model.learn(seen, calls_.kinds, calls_.types, step_us_, rare, choose);
    empty_ = std::log((static_cast<double>(empty) + 0.5) / (static_cast<double>(all) + 1));
    base_of_ = nullptr;
}

// How likely it is that nobody of a request called anything, worked out once.
void ServingSearch::find_bases(const ServingModel& model) {
    base_of_ = &model;
    base_.assign(calls_.incoming.size(), 0);
    idle_.assign(calls_.incoming.size(), {});
    for (std::uint32_t p = 0; p < base_.size(); ++p)
        for (const Incoming& m : calls_.members[p]) {
            idle_[p].push_back(model.score(m, {}));
            base_[p] += idle_[p].back();
        }
}

void ServingSearch::made_of(const Kids& kids) {
    made_.clear();
    for (const std::uint32_t k : kids) made_.push_back(calls_.outgoing[k]);
}

namespace {
constexpr float kImpossible = -500;
bool holds_all(const Incoming& call, std::span<const Outgoing> made) {
    return std::all_of(made.begin(), made.end(), [&](const Outgoing& o) { return holds(call, o); });
}
}  // namespace

std::uint32_t ServingSearch::trigger(const ServingModel& model, std::uint32_t request) const {
    std::vector<Outgoing> made;
    for (const std::uint32_t k : kids_[request]) made.push_back(calls_.outgoing[k]);
    if (made.empty()) return kNone;
    const auto& members = calls_.members[request];
    std::uint32_t best = kNone;
    float best_gain = -1e30f;
    for (std::uint32_t m = 0; m < members.size(); ++m) {
        if (!holds_all(members[m], made)) continue;
        const float gain = model.score(members[m], made) - model.score(members[m], {});
        if (gain > best_gain) best_gain = gain, best = m;
    }
    return best;
}

float ServingSearch::score_of_group(const ServingModel& model, std::span<const Incoming> members,
                                    const Kids& kids) {
    made_of(kids);
    float base = 0, best = kImpossible;
    for (const Incoming& m : members) {
        const float idle = model.score(m, {});
        base += idle;
        if (!kids.empty() && holds_all(m, made_)) best = std::max(best, model.score(m, made_) - idle);
    }
    return base + (kids.empty() ? static_cast<float>(empty_) : best);
}

float ServingSearch::score_of(const ServingModel& model, std::uint32_t parent, const Kids& kids) {
    made_of(kids);
    if (calls_.members.empty()) return model.score(calls_.incoming[parent], made_);
    if (base_of_ != &model) find_bases(model);
    if (kids.empty()) return base_[parent] + static_cast<float>(empty_);
    float best = kImpossible;
    const auto& members = calls_.members[parent];
    for (std::uint32_t m = 0; m < members.size(); ++m)
        if (holds_all(members[m], made_))
            best = std::max(best, model.score(members[m], made_) - idle_[parent][m]);
    return base_[parent] + best;
}

double ServingSearch::score(const ServingModel& model) {
    double sum = 0;
    for (std::uint32_t p = 0; p < kids_.size(); ++p) sum += score_of(model, p, kids_[p]);
    for (const std::uint32_t p : parent_) sum += p == kNone ? kAlone : 0;
    return sum;
}

bool ServingSearch::rematch(const ServingModel& model, std::uint32_t type) {
    std::vector<std::uint32_t> first{0}, who;
    std::vector<Edge> edges;
    std::vector<float> without(calls_.incoming.size(), NAN);
    Kids kids;
    std::vector<std::uint8_t> several(calls_.incoming.size(), 0);  // of the type; or one that is fixed
    for (std::uint32_t p = 0; p < kids_.size(); ++p) {
        std::size_t n = 0;
        for (const std::uint32_t k : kids_[p]) n += calls_.outgoing[k].type == type;
        several[p] = n > 1 || std::any_of(kids_[p].begin(), kids_[p].end(), [&](std::uint32_t k) {
                         return calls_.outgoing[k].type == type && fixed(k);
                     });
    }
    for (std::uint32_t c = 0; c < calls_.outgoing.size(); ++c) {
        if (calls_.outgoing[c].type != type) continue;
        if (fixed(c) || (parent_[c] != kNone && several[parent_[c]])) continue;  // stays where it is
        for (std::uint32_t e = first_[c]; e < first_[c + 1]; ++e) {
            const std::uint32_t p = candidates_[e];
            if (several[p]) continue;
            kids.clear();
            for (const std::uint32_t k : kids_[p])
                if (calls_.outgoing[k].type != type) kids.push_back(k);
            if (std::isnan(without[p])) without[p] = score_of(model, p, kids);
            kids.insert(std::lower_bound(kids.begin(), kids.end(), c), c);
            edges.push_back({p, static_cast<double>(score_of(model, p, kids) - without[p])});
        }
        who.push_back(c);
        first.push_back(static_cast<std::uint32_t>(edges.size()));
    }
    const auto& found = assignment_.solve(first, edges, calls_.incoming.size(), kAlone);
    bool changed = false;
    for (std::size_t i = 0; i < who.size(); ++i)
        if (parent_[who[i]] != found[i]) changed = true, place(who[i], found[i]);
    return changed;
}

// What stands in the same slot on both sides changes sides together.
std::size_t ServingSearch::find_slots(std::uint32_t p, std::uint32_t q, Slot* slots) const {
    std::uint32_t types[kMostSlots];
    std::size_t ordinals[kMostSlots], n = 0;
    const auto ordinal = [&](const Kids& kids, std::size_t i) {
        std::size_t before = 0;
        for (std::size_t j = 0; j < i; ++j)
            before += calls_.outgoing[kids[j]].type == calls_.outgoing[kids[i]].type;
        return before;
    };
    for (std::size_t i = 0; i < kids_[p].size() && n < kMostSlots; ++i) {
        types[n] = calls_.outgoing[kids_[p][i]].type;
        ordinals[n] = ordinal(kids_[p], i);
        slots[n++] = {kids_[p][i], kNone};
    }
    for (std::size_t i = 0; i < kids_[q].size(); ++i) {
        const std::uint32_t type = calls_.outgoing[kids_[q][i]].type;
        const std::size_t o = ordinal(kids_[q], i);
        std::size_t j = 0;
        while (j < n && !(types[j] == type && ordinals[j] == o)) ++j;
        if (j == kMostSlots) continue;
        if (j == n) types[n] = type, ordinals[n] = o, slots[n++] = {};
        slots[j].b = kids_[q][i];
    }
    std::size_t able = 0;
    for (std::size_t i = 0; i < n; ++i)
        if ((slots[i].a == kNone || (!fixed(slots[i].a) && can(q, slots[i].a))) &&
            (slots[i].b == kNone || (!fixed(slots[i].b) && can(p, slots[i].b))))
            slots[able++] = slots[i];
    return able;
}

void ServingSearch::exchanged(std::uint32_t p, std::uint32_t q, const Slot* slots, std::size_t n,
                              std::uint32_t set) {
    of_p_ = kids_[p], of_q_ = kids_[q];
    const auto move = [](Kids& from, Kids& to, std::uint32_t kid) {
        from.erase(std::lower_bound(from.begin(), from.end(), kid));
        to.insert(std::lower_bound(to.begin(), to.end(), kid), kid);
    };
    for (std::size_t i = 0; i < n; ++i) {
        if (!(set >> i & 1)) continue;
        if (slots[i].a != kNone) move(of_p_, of_q_, slots[i].a);
        if (slots[i].b != kNone) move(of_q_, of_p_, slots[i].b);
    }
}

bool ServingSearch::swap(const ServingModel& model, std::uint32_t p, std::uint32_t q) {
    double best = static_cast<double>(scores_[p]) + scores_[q] + 1e-4;
    Kids best_p, best_q;
    bool found = false;
    for_each_exchange(p, q, [&](const Kids& of_p, const Kids& of_q) {
        const float sp = score_of(model, p, of_p), sq = score_of(model, q, of_q);
        if (static_cast<double>(sp) + sq <= best) return;
        best = static_cast<double>(sp) + sq;
        best_p = of_p, best_q = of_q, found = true;
    });
    if (!found) return false;
    set_kids(p, best_p);
    set_kids(q, best_q);
    scores_[p] = score_of(model, p, best_p), scores_[q] = score_of(model, q, best_q);
    return true;
}

bool ServingSearch::swap_all(const ServingModel& model) {
    bool any = false;
    for (std::uint32_t p = 0; p < kids_.size(); ++p) scores_[p] = score_of(model, p, kids_[p]);
    for (int sweep = 0; sweep < 10; ++sweep) {
        bool changed = false;
        for (std::uint32_t p = 0; p < kids_.size(); ++p)
            for (const std::uint32_t q : rivals(p)) changed |= swap(model, p, q);
        any |= changed;
        if (!changed) break;
    }
    return any;
}

void ServingSearch::improve(const ServingModel& model) {
    for (int round = 0; round < 6; ++round) {
        bool changed = false;
        for (std::uint32_t t = 0; t < calls_.types; ++t) changed |= rematch(model, t);
        changed |= swap_all(model);
        if (!changed) break;
    }
}

ServingSearch::Order ServingSearch::put_in_order() {
    Order order;
    const auto before = [&](std::uint32_t a, std::uint32_t b) {
        const Outgoing &x = calls_.outgoing[a], &y = calls_.outgoing[b];
        return x.start < y.start || (x.start == y.start && x.end < y.end);
    };
    const auto after = [&](std::uint32_t p, std::uint32_t q) {  // p was there first
        const Incoming &x = calls_.incoming[p], &y = calls_.incoming[q];
        return x.start < y.start || (x.start == y.start && x.end < y.end);
    };
    for (int sweep = 0; sweep < 20; ++sweep) {
        bool changed = false;
        order = {};
        for (std::uint32_t p = 0; p < kids_.size(); ++p)
            for (std::uint32_t q = p + 1;
                 q < kids_.size() && calls_.incoming[q].start <= calls_.incoming[p].end; ++q) {
                if (!after(p, q)) continue;
                Slot slots[kMostSlots];
                const std::size_t n = find_slots(p, q, slots);
                std::uint32_t set = 0;
                for (std::size_t i = 0; i < n; ++i) {
                    if (slots[i].a == kNone || slots[i].b == kNone) continue;
                    ++order.free;
                    if (before(slots[i].b, slots[i].a)) set |= 1u << i;
                }
                if (set) {
                    exchanged(p, q, slots, n, set);
                    const Kids a = of_p_, b = of_q_;
                    set_kids(p, a), set_kids(q, b);
                    changed = true;
                }
                for (const std::uint32_t a : kids_[p])
                    for (const std::uint32_t b : kids_[q])
                        order.broken += calls_.outgoing[a].type == calls_.outgoing[b].type && before(b, a) &&
                                        !(can(q, a) && can(p, b));
            }
        if (!changed) break;
    }
    return order;
}

std::vector<float> ServingSearch::confidence(const ServingModel& model) {
    std::vector<double> other(calls_.outgoing.size(), 0.0);
    for (std::uint32_t p = 0; p < kids_.size(); ++p) scores_[p] = score_of(model, p, kids_[p]);
    for (std::uint32_t p = 0; p < kids_.size(); ++p)
        for (const std::uint32_t q : rivals(p)) {
            for_each_exchange(p, q, [&](const Kids& of_p, const Kids& of_q) {
                const double loss = static_cast<double>(scores_[p]) + scores_[q] - score_of(model, p, of_p) -
                                    score_of(model, q, of_q);
                if (loss > 12) return;
                const double odds = std::exp(-std::max(loss, 0.0));
                for (const std::uint32_t k : kids_[p])
                    if (!std::binary_search(of_p.begin(), of_p.end(), k)) other[k] += odds;
            });
        }
    std::vector<float> out(other.size());
    for (std::uint32_t c = 0; c < out.size(); ++c)
        out[c] = parent_[c] == kNone ? 0.0f : static_cast<float>(1 / (1 + other[c]));
    return out;
}

}  // namespace autotune::analysis
