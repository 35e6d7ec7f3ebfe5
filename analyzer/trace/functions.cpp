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
}

void Functions::add_tree(const Forest& forest, Forest::NodeId root) {
    std::vector<FrameId>
        path;  // of the calls above; a node that is no call stands there as the unknown frame
    forest.walk(root, [&](const Deed& deed, const Forest::Sums& sums, std::size_t depth) {
        path.resize(depth);
        if (deed.kind == DeedKind::call) {
            if (std::find(path.begin(), path.end(), deed.function) == path.end())
                uses_[deed.function].total += sums.total;
        }
        path.push_back(deed.kind == DeedKind::call ? deed.function : FrameId(0));
    });
}

std::vector<FunctionUse> Functions::sorted() const {
    std::vector<FunctionUse> all;
    for (const auto& [function, use] : uses_) {
        const bool by_totals = use.counted >= use.calls && use.counted > 0;
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

}  // namespace autotune::analysis
