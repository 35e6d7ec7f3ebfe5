// ServingSearch, the part about likelihood: what a service is learned from, and what is how likely.
#include "analyzer/topology/requests/serving_search.hpp"

#include <algorithm>
#include <cmath>

namespace autotune::analysis {

namespace {
constexpr float kImpossible = -500;
}  // namespace

bool ServingSearch::holds_all(const Incoming& call, std::span<const Outgoing> made) {
    return std::all_of(made.begin(), made.end(), [&](const Outgoing& o) { return holds(call, o); });
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
