// ServingSearch: whose outgoing calls are whose, in one service and one window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "analyzer/topology/requests/assignment.hpp"
#include "analyzer/topology/requests/serving_model.hpp"

namespace autotune::analysis {

// The calls of one service. Both in order of start.
struct ServiceCalls {
    std::vector<Incoming> incoming;
    std::vector<Outgoing> outgoing;
    std::vector<std::uint32_t>
        given;                        // by outgoing call: the incoming one it is known to belong to, or kNone
    std::vector<std::uint32_t> self;  // by outgoing call: itself as an incoming one of a service that calls
                                      // itself, or kNone; empty where there is none
    std::size_t kinds = 0, types = 0;
    // Of a join `incoming` are whole requests, each several calls, one of which makes all outgoing ones: the
    // calls of each. Else empty.
    std::vector<std::vector<Incoming>> members;
};

class ServingSearch {
public:
    static constexpr std::uint32_t kNone = Assignment::kNone;

    // REQUIRES: `calls` outlives it.
    ServingSearch(const ServiceCalls& calls, double step_us);

    // A first guess that needs no model: per type, the nearest about it, all at once.
    void guess();
    // First come, first served: each call to the earliest open one that has none of its type.
    void first_come();
    // What was found so far tells how the service serves.
    void learn(ServingModel& model, double rare, bool certain_only,
               ServingModel::Choose choose = ServingModel::Choose::anew);
    // Looks for the best until nothing changes.
    void improve(const ServingModel& model);
    // Where two calls of a type are in another order than what they were made for, they change places. How
    // many pairs are in order and could be otherwise; how many are not, and cannot be otherwise.
    struct Order {
        std::size_t free = 0, broken = 0;
    };
    Order put_in_order();

    [[nodiscard]] const std::vector<std::uint32_t>& parents() const { return parent_; }
    // REQUIRES: one for each outgoing call.
    void set_parents(const std::vector<std::uint32_t>& parents);
    [[nodiscard]] double score(const ServingModel& model);
    // Of a join: which of the request's calls made the outgoing ones, or kNone.
    [[nodiscard]] std::uint32_t trigger(const ServingModel& model, std::uint32_t request) const;
    // Of each outgoing call, against what else it could belong to: 0 to 1.
    [[nodiscard]] std::vector<float> confidence(const ServingModel& model);
    // Incoming calls of which there is no doubt what was made for them.
    [[nodiscard]] std::size_t certain() const;

private:
    using Kids = std::vector<std::uint32_t>;  // outgoing calls, in order
    struct Slot {
        std::uint32_t a = kNone, b = kNone;  // what p and q have there
    };
    static constexpr std::size_t kMostSlots = 12, kAllSets = 5;
    // Calls `consider(kids of p, kids of q)` for what the two could exchange.
    template <class Consider>
    void for_each_exchange(std::uint32_t p, std::uint32_t q, const Consider& consider);
    std::size_t find_slots(std::uint32_t p, std::uint32_t q, Slot* slots) const;
    void exchanged(std::uint32_t p, std::uint32_t q, const Slot* slots, std::size_t n, std::uint32_t set);
    static constexpr double kAlone = -60;    // score of a call that is given to none
    static constexpr double kOverrun = 0.2;  // a call may seem to end after what it was made for
    static bool holds(const Incoming& p, const Outgoing& k);
    static bool holds_all(const Incoming& call, std::span<const Outgoing> made);
    void find_candidates();
    void find_bases(const ServingModel& model);
    [[nodiscard]] std::uint32_t likely_trigger(std::uint32_t request) const;
    [[nodiscard]] bool can(std::uint32_t parent, std::uint32_t kid) const;
    [[nodiscard]] bool fixed(std::uint32_t kid) const {
        return !calls_.given.empty() && calls_.given[kid] != kNone;
    }
    void place(std::uint32_t kid, std::uint32_t parent);
    void set_kids(std::uint32_t parent, const Kids& kids);
    [[nodiscard]] std::vector<std::uint32_t> rivals(std::uint32_t parent) const;
    [[nodiscard]] float score_of(const ServingModel& model, std::uint32_t parent, const Kids& kids);
    bool rematch(const ServingModel& model, std::uint32_t type);
    void begin_to_improve();
    bool swap_all(const ServingModel& model);
    bool swap(const ServingModel& model, std::uint32_t p, std::uint32_t q);
    [[nodiscard]] bool may_make(std::uint32_t parent, std::uint32_t kid) const;
    [[nodiscard]] bool untouched_since(std::uint32_t look, std::uint32_t p, std::uint32_t q) const {
        return look != 0 && changed_[p] <= look && changed_[q] <= look;
    }
    [[nodiscard]] bool rivals_untouched(std::uint32_t p) const;
    [[nodiscard]] bool looked_at(std::uint32_t p, std::uint32_t q) const;
    void made_of(const Kids& kids);

    const ServiceCalls& calls_;
    double step_us_;
    std::vector<std::uint32_t> first_, candidates_;  // of each outgoing call
    std::vector<std::uint32_t> parent_;
    std::vector<Kids> kids_;
    std::vector<float> scores_;
    std::vector<std::uint8_t> contested_;  // by incoming call: something could be its or another's
    std::vector<Outgoing> made_;
    Kids of_p_, of_q_;
    // What was looked at already, by one model, is not looked at again: the number of the latest change, by incoming call that of
    // its own latest, and that which was the latest when its exchanges were looked at (0: not yet); by type, the same of rematch.
    std::uint32_t change_ = 1, scored_ = 0;
    std::vector<std::uint32_t> changed_, looked_, rematched_;
    struct Gain {
        std::uint32_t at = 0;  // the latest change then
        float value = 0;
    };
    std::vector<Gain> gains_;  // by candidate, of rematch: what the call adds to what else it has
    Assignment assignment_;
    double empty_ = -6;  // of a join: log of the share of requests for which nothing was called
    const ServingModel* base_of_ = nullptr;
    std::vector<float> base_;               // of a join, by request: when none of its calls made any
    std::vector<std::vector<float>> idle_;  // by request and member
};

template <class Consider>
void ServingSearch::for_each_exchange(std::uint32_t p, std::uint32_t q, const Consider& consider) {
    Slot slots[kMostSlots];
    const std::size_t n = find_slots(p, q, slots);
    if (n == 0) return;
    const auto take = [&](std::uint32_t set) {
        exchanged(p, q, slots, n, set);
        consider(of_p_, of_q_);
    };
    if (n <= kAllSets) {
        for (std::uint32_t set = 1; set < 1u << n; ++set) take(set);
        return;
    }
    for (std::size_t i = 0; i < n; ++i) {
        take(1u << i);
        if (i > 0) take((1u << (i + 1)) - 1);
    }
}

}  // namespace autotune::analysis
