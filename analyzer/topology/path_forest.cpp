#include "analyzer/topology/path_forest.hpp"

#include <algorithm>
#include <utility>

namespace autotune::analysis {

namespace {

// What seems to have begun before its work did began with it. False: it had ended by then, and has nothing to do with it.
bool begin_within(PathCall& call, const PathWork& parent) {
    call.start = std::max(call.start, parent.start);
    return call.start <= call.end;
}

// Whether the answer was that of the work. Not of an invocation that was only accepted, and not where the caller gave up.
bool waited_for(const OwnerCall& call, const OwnerWork& work, bool ended) {
    constexpr std::uint16_t kAccepted = 202;
    const bool is_invocation = work.what.empty();
    return ended || (call.status != 0 && !(is_invocation && call.status == kAccepted));
}

}  // namespace

PathForest path_forest(const OwnerGraph& graph) {
    PathForest forest;
    const auto ns = [&](Timestamp t) { return (t - graph.from).count(); };
    for (const OwnerNode& node : graph.nodes) forest.names.push_back(node.service.name);
    forest.kinds = forest.names;
    for (const OwnerWork& w : graph.works) {
        const auto service = static_cast<std::uint32_t>(w.node);
        forest.works.push_back({.service = service, .kind = service, .start = ns(w.start), .end = std::max(ns(w.start), ns(w.end)),
                                .open = w.open, .id = w.id.str()});
        if (w.asked_by != autotune::kNone && graph.calls[w.asked_by].parent != autotune::kNone)
            forest.works.back().origin = PathOrigin::detached;  // until its call is seen to wait
    }
    for (std::size_t i = 0; i < graph.calls.size(); ++i) {
        const OwnerCall& c = graph.calls[i];
        if (c.parent == autotune::kNone) continue;
        PathCall call{.parent = static_cast<std::uint32_t>(c.parent), .service = static_cast<std::uint32_t>(c.to),
                      .start = ns(c.start), .end = std::max(ns(c.start), ns(c.end)), .source = static_cast<std::uint32_t>(i)};
        if (!begin_within(call, forest.works[call.parent])) continue;
        if (c.child != autotune::kNone && graph.works[c.child].asked_by == i) {
            PathWork& child = forest.works[c.child];
            if (!child.open && waited_for(c, graph.works[c.child], child.end <= call.end)) {
                call.child = static_cast<std::uint32_t>(c.child);
                child.origin = PathOrigin::waited;
                // An answer may be read before its sender has noted that it was sent.
                child.end = std::clamp(child.end, call.start, call.end);
                child.start = std::clamp(child.start, call.start, child.end);
            } else {
                call.longer = std::max<std::int64_t>(0, child.end - call.end);
            }
        }
        forest.calls.push_back(call);
    }
    forest.not_kept = graph.calls_not_kept;
    return forest;
}

void CallForest::add(const ServiceCall& call) {
    const bool too_long = call.callee_end - call.callee_start > kLongest || call.caller_end - call.caller_start > kLongest;
    if (too_long || held_.size() >= most_) {
        ++not_kept_;
        return;
    }
    by_id_[call.id] = static_cast<std::uint32_t>(held_.size());
    held_.push_back({call, kNone});
}

void CallForest::give(const CallParent& found) {
    const auto call = by_id_.find(found.id);
    const auto parent = found.parent.empty() ? by_id_.end() : by_id_.find(found.parent);
    if (call != by_id_.end() && parent != by_id_.end()) held_[call->second].parent = parent->second;
}

PathForest CallForest::finish(const FlowNames& names) {
    by_id_.clear();
    PathForest forest;
    forest.not_kept = not_kept_;
    std::unordered_map<std::uint32_t, std::uint32_t> services, kinds;
    const auto number = [&](auto& numbers, std::vector<std::string>& texts, std::uint32_t id) {
        const auto [at, fresh] = numbers.try_emplace(id, static_cast<std::uint32_t>(texts.size()));
        if (fresh) texts.push_back(names.name(id));
        return at->second;
    };
    for (Held& h : held_) {
        const ServiceCall& c = h.call;
        forest.works.push_back({.service = number(services, forest.names, c.callee), .kind = number(kinds, forest.kinds, c.endpoint),
                                .start = c.callee_start, .end = c.callee_end,
                                .origin = c.caller == ServiceCall::kNone ? PathOrigin::outside : PathOrigin::unknown,
                                .id = std::move(h.call.id)});
    }
    for (std::uint32_t i = 0; i < held_.size(); ++i) {
        const ServiceCall& c = held_[i].call;
        if (held_[i].parent == kNone) continue;
        PathWork& work = forest.works[i];
        PathCall call{.parent = held_[i].parent, .service = work.service,
                      .start = c.seen_by_caller ? c.caller_start : c.callee_start,
                      .end = c.seen_by_caller ? c.caller_end : c.callee_end};
        if (!begin_within(call, forest.works[call.parent])) continue;
        // The clocks of the two ends may differ: only lengths can be compared.
        const std::int64_t longer = (work.end - work.start) - (call.end - call.start);
        if (longer <= 0) {
            call.child = i;
            work.origin = PathOrigin::waited;
        } else {
            call.longer = longer;
            work.origin = PathOrigin::detached;
        }
        forest.calls.push_back(call);
    }
    held_.clear();
    return forest;
}

}  // namespace autotune::analysis
