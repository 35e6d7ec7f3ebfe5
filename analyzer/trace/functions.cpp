#include "analyzer/trace/functions.hpp"

#include <algorithm>

namespace autotune::analysis {

void Functions::add(Backend by, const CallDone& call, Nanos self) {
    Use& use = uses_[call.function];
    use.by = by;
    ++use.calls;
    use.self += self;
    use.raised += call.how == CallEnd::raised ? 1 : 0;
    use.cut += call.how == CallEnd::cut ? 1 : 0;
    use.slowest = std::max(use.slowest, call.duration);
    use.bias = std::min(use.bias.value_or(call.bias), call.bias);
}

void Functions::add(Backend by, const CallTotals& totals) {
    Use& use = uses_[totals.function];
    use.by = by;
    use.counted += totals.calls;
    use.counted_total += totals.total;
    use.counted_self += totals.self;
    use.bias = std::min(use.bias.value_or(totals.bias), totals.bias);
    use.spread = std::max(use.spread, totals.spread);
    if (Pair* const p = pair(totals.caller, totals.function)) {
        p->counted += totals.calls;
        p->counted_total += totals.total;
    }
}

Functions::Pair* Functions::pair(FrameId caller, FrameId function) {
    if (caller == FrameId(0)) return nullptr;
    if (pairs_.size() < kMostPairs) return &pairs_[{caller, function}];
    const auto known = pairs_.find({caller, function});
    return known != pairs_.end() ? &known->second : nullptr;
}

void Functions::add_tree(const Forest& forest, Forest::NodeId root) {
    std::vector<FrameId>
        path;  // of the calls above; a node that is no call stands there as the unknown frame
    forest.walk(root, [&](const Deed& deed, const Forest::Sums& sums, std::size_t depth) {
        path.resize(depth);
        if (deed.kind == DeedKind::call) {
            const bool outermost = std::find(path.begin(), path.end(), deed.function) == path.end();
            if (outermost) uses_[deed.function].total += sums.total;
            if (Pair* const p = path.empty() ? nullptr : pair(path.back(), deed.function)) {
                p->calls += sums.count;
                if (outermost) p->total += sums.total;
            }
        }
        path.push_back(deed.kind == DeedKind::call ? deed.function : FrameId(0));
    });
}

std::vector<FunctionUse> Functions::sorted() const {
    std::vector<FunctionUse> all;
    for (const auto& [function, use] : uses_) {
        const bool by_totals = use.by_totals();
        all.push_back({.function = function,
                       .by = use.by,
                       .calls = by_totals ? use.counted : use.calls,
                       .seen = use.calls,
                       .raised = use.raised,
                       .cut = use.cut,
                       .total = by_totals ? use.counted_total : use.total,
                       .self = std::min(by_totals ? use.counted_self : use.self,
                                        by_totals ? use.counted_total : use.total),  // both are rounded
                       .slowest = use.slowest,
                       .bias = use.bias.value_or(Nanos(0)),
                       .spread = use.spread});
    }
    std::sort(all.begin(), all.end(), [](const FunctionUse& a, const FunctionUse& b) {
        if (a.self != b.self) return a.self > b.self;
        return a.calls != b.calls ? a.calls > b.calls : a.function < b.function;
    });
    return all;
}

std::vector<CallUse> Functions::calls() const {
    std::vector<CallUse> all;
    for (const auto& [key, pair] : pairs_) {
        const auto use = uses_.find(key.second);
        const bool by_totals = use != uses_.end() && use->second.by_totals();
        const std::uint64_t calls = by_totals ? pair.counted : pair.calls;
        if (calls > 0)
            all.push_back({.caller = key.first,
                           .function = key.second,
                           .calls = calls,
                           .total = by_totals ? pair.counted_total : pair.total});
    }
    return all;
}

}  // namespace autotune::analysis
