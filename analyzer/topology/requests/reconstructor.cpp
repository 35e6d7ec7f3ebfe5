#include "analyzer/topology/requests/reconstructor.hpp"

#include <algorithm>

namespace autotune::analysis {

void Reconstructor::add(ServiceCall call, std::vector<CallParent>& out) {
    ++counters_.calls;
    if (start(call) < decided_until_) {
        // What it could belong to may be gone: told, never guessed.
        ++counters_.late, ++counters_.orphans;
        out.push_back({std::move(call.id), "", call.caller, call.callee, 0});
        return;
    }
    held_.push_back({std::move(call), 0, WindowSolver::kNone, false});
    if (++fresh_ >= options_.window + options_.window / 4) solve(options_.window, out);
}

void Reconstructor::finish(std::vector<CallParent>& out) { solve(fresh_, out); }

// Decides the first `decide` calls that are not yet; those after them are only looked at.
void Reconstructor::solve(std::size_t decide, std::vector<CallParent>& out) {
    if (held_.empty()) return;
    std::vector<std::uint32_t> order(held_.size()), place(held_.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return start(held_[a].call) < start(held_[b].call);
    });
    for (std::uint32_t i = 0; i < order.size(); ++i) place[order[i]] = i;
    std::vector<Held> sorted;
    sorted.reserve(held_.size());
    for (const std::uint32_t i : order) sorted.push_back(std::move(held_[i]));
    held_ = std::move(sorted);
    const std::int64_t origin = start(held_.front().call);
    std::vector<WindowCall> calls;
    calls.reserve(held_.size());
    const auto micro = [&](std::int64_t at) { return static_cast<double>(at - origin) / 1e3; };
    for (Held& h : held_) {
        if (h.parent != WindowSolver::kNone) h.parent = place[h.parent];
        WindowCall c;
        c.start = micro(start(h.call)), c.end = micro(end(h.call));
        c.served_start = micro(h.call.callee_start), c.served_end = micro(h.call.callee_end);
        c.caller = h.call.caller, c.callee = h.call.callee, c.endpoint = h.call.endpoint;
        c.given = h.parent, c.request = h.request, c.decided = h.decided;
        calls.push_back(c);
    }
    if (!solver_) solver_ = std::make_unique<WindowSolver>(step_us_);
    const std::vector<Found> found = solver_->solve(calls);
    std::size_t decided = 0;
    std::uint32_t i = 0;
    for (; i < held_.size(); ++i) {
        Held& h = held_[i];
        if (h.decided) continue;
        if (decided == decide) break;
        ++decided;
        h.decided = true;
        h.parent = found[i].parent;
        const bool root = h.call.caller == ServiceCall::kNone,
                   orphan = !root && h.parent == WindowSolver::kNone;
        counters_.roots += root, counters_.orphans += orphan;
        if (!root && !orphan) counters_.confidence += found[i].confidence;
        out.push_back({h.call.id, h.parent == WindowSolver::kNone ? std::string() : held_[h.parent].call.id,
                       h.call.caller, h.call.callee,
                       root     ? 1.0f
                       : orphan ? 0.0f
                                : found[i].confidence});
    }
    fresh_ -= decided;
    if (fresh_ == 0 && decide == decided && i == held_.size()) {
        decided_until_ = start(held_.back().call);
        held_.clear();
        return;
    }
    carry_on(i);
}

// Keeps what calls still to be decided may belong to: what is being served, and the other calls of its
// request.
void Reconstructor::carry_on(std::size_t first_open) {
    decided_until_ = start(held_[first_open].call);
    const std::int64_t span = decided_until_ - start(held_.front().call);
    // Requests are numbered on, once they are decided.
    for (std::size_t i = 0; i < first_open; ++i) {
        std::size_t at = i;
        for (std::size_t n = 0;
             held_[at].request == 0 && held_[at].parent != WindowSolver::kNone && n < held_.size(); ++n)
            at = held_[at].parent;
        if (held_[at].request == 0) held_[at].request = next_request_++;
        held_[i].request = held_[at].request;
    }
    std::unordered_map<std::uint64_t, std::int64_t> last;
    const auto ends = [&](const Held& h) { return std::max(end(h.call), h.call.callee_end); };
    for (std::size_t i = 0; i < first_open; ++i) {
        auto& to = last.emplace(held_[i].request, INT64_MIN).first->second;
        to = std::max(to, ends(held_[i]));
    }
    std::vector<std::uint32_t> place(held_.size(), WindowSolver::kNone);
    std::size_t kept = 0, all = 0;
    for (std::size_t i = 0; i < first_open; ++i) all += ends(held_[i]) >= decided_until_;
    std::size_t too_many = all > options_.window ? all - options_.window : 0;  // the oldest go
    for (std::size_t i = 0; i < held_.size(); ++i) {
        bool keep = i >= first_open;
        if (!keep) {
            const bool open = ends(held_[i]) >= decided_until_;
            keep = open || (last[held_[i].request] >= decided_until_ &&
                            ends(held_[i]) >= decided_until_ - span && kept < options_.window);
            if (open && too_many > 0) keep = false, --too_many, ++counters_.forgotten;
        }
        if (!keep) continue;
        place[i] = static_cast<std::uint32_t>(kept);
        if (kept != i) held_[kept] = std::move(held_[i]);
        ++kept;
    }
    held_.resize(kept);
    for (Held& h : held_)
        if (h.parent != WindowSolver::kNone) h.parent = place[h.parent];
}

}  // namespace autotune::analysis
