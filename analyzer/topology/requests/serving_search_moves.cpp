// ServingSearch, the part that looks for better: calls are assigned again, exchanged, put in order.
#include "analyzer/topology/requests/serving_search.hpp"

#include <algorithm>
#include <cmath>

namespace autotune::analysis {

bool ServingSearch::rematch(const ServingModel& model, std::uint32_t type) {
    if (rematched_[type] == change_) return false;  // it would be found again
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
            if (Gain& gain = gains_[e]; gain.at == 0 || changed_[p] > gain.at) {
                kids.clear();
                for (const std::uint32_t k : kids_[p])
                    if (calls_.outgoing[k].type != type) kids.push_back(k);
                if (std::isnan(without[p])) without[p] = score_of(model, p, kids);
                kids.insert(std::lower_bound(kids.begin(), kids.end(), c), c);
                gain = {change_, score_of(model, p, kids) - without[p]};
            }
            edges.push_back({p, static_cast<double>(gains_[e].value)});
        }
        who.push_back(c);
        first.push_back(static_cast<std::uint32_t>(edges.size()));
    }
    const auto& found = assignment_.solve(first, edges, calls_.incoming.size(), kAlone);
    bool changed = false;
    for (std::size_t i = 0; i < who.size(); ++i)
        if (parent_[who[i]] != found[i]) changed = true, place(who[i], found[i]);
    rematched_[type] = change_;
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

bool ServingSearch::may_make(std::uint32_t parent, std::uint32_t kid) const {
    const auto begin = candidates_.begin();
    return std::binary_search(begin + first_[kid], begin + first_[kid + 1], parent);
}

// Nothing of it and of all that it could exchange with was changed since that was looked at.
bool ServingSearch::rivals_untouched(std::uint32_t p) const {
    if (looked_[p] == change_) return true;
    if (!untouched_since(looked_[p], p, p)) return false;
    for (const std::uint32_t k : kids_[p])
        for (std::uint32_t e = first_[k]; e < first_[k + 1]; ++e)
            if (changed_[candidates_[e]] > looked_[p]) return false;
    return true;
}

// Whether the exchanges of the two were looked at as they are now: in p's turn, or in q's, whose exchanges are the same ones
// where they are all sets.
bool ServingSearch::looked_at(std::uint32_t p, std::uint32_t q) const {
    if (untouched_since(looked_[p], p, q)) return true;
    return untouched_since(looked_[q], p, q) && kids_[p].size() + kids_[q].size() <= kAllSets &&
           std::any_of(kids_[q].begin(), kids_[q].end(), [&](std::uint32_t k) { return may_make(p, k); });
}

void ServingSearch::begin_to_improve() {
    scored_ = 0;
    looked_.assign(calls_.incoming.size(), 0);
    rematched_.assign(calls_.types, 0);
    gains_.assign(candidates_.size(), {});
}

bool ServingSearch::swap_all(const ServingModel& model) {
    bool any = false;
    for (std::uint32_t p = 0; p < kids_.size(); ++p)
        if (scored_ == 0 || changed_[p] > scored_) scores_[p] = score_of(model, p, kids_[p]);
    for (int sweep = 0; sweep < 10; ++sweep) {
        bool changed = false;
        for (std::uint32_t p = 0; p < kids_.size(); ++p) {
            if (rivals_untouched(p)) continue;
            const std::uint32_t now = change_;
            for (const std::uint32_t q : rivals(p))
                if (!looked_at(p, q)) changed |= swap(model, p, q);
            looked_[p] = now;
        }
        any |= changed;
        if (!changed) break;
    }
    scored_ = change_;
    return any;
}

void ServingSearch::improve(const ServingModel& model) {
    begin_to_improve();
    for (int round = 0; round < 6; ++round) {
        bool changed = false;
        for (std::uint32_t t = 0; t < calls_.types; ++t) changed |= rematch(model, t);
        changed |= swap_all(model);
        if (!changed) break;
    }
    gains_ = {};
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

}  // namespace autotune::analysis
