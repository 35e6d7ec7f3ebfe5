#include "analyzer/trace/thread_stack.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace autotune::analysis {

Nanos ThreadStack::call(DeedId deed, const CallDone& call, Timestamp end, std::uint8_t group, Owner owner) {
    const Timestamp begin = end - call.duration;
    Item made{
        .first = begin, .last = end, .depth = call.depth, .group = group, .total = call.duration, .owner = owner};
    const Timestamp entered = begin - call.bias;  // as the clock was, probes and all: what came after is beneath
    Nanos beneath{0};
    const auto claims = [&](const Item& item) {
        if (item.group == group && item.depth <= call.depth) return false;
        return item.last > entered;
    };
    const auto count = [&](const Item& item) {
        if (item.group == group) beneath += item.total;
    };
    std::size_t from = items_.size();
    while (from > merged_ && claims(items_[from - 1])) count(items_[--from]);
    std::vector<Item> old;  // of what stands for several, that which began within
    if (from == merged_ && merged_ > 0) {
        std::size_t keep = 0;
        for (std::size_t i = 0; i < items_.size(); ++i) {
            const bool taken = i < merged_ && claims(items_[i]) && items_[i].first >= entered;
            if (taken)
                count(items_[i]), old.push_back(items_[i]);
            else
                items_[keep++] = items_[i];
        }
        items_.resize(keep);
        from -= old.size();
        merged_ -= old.size();
    }

    const Nanos self = std::max(Nanos(0), call.duration - beneath);
    made.node = forest_->make(deed, {.count = 1,
                                     .failures = call.how == CallEnd::raised ? 1u : 0u,
                                     .cut = call.how == CallEnd::cut ? 1u : 0u,
                                     .total = call.duration,
                                     .self = self,
                                     .slowest = call.duration,
                                     .first = begin});
    for (const Item& item : old)
        if (item.node != kNoNode) forest_->attach(made.node, item.node);
    for (std::size_t i = from; i < items_.size(); ++i)
        if (items_[i].node != kNoNode) forest_->attach(made.node, items_[i].node);
    items_.resize(from);
    push(made);
    return self;
}

void ThreadStack::leaf(DeedId deed, const Forest::Sums& sums, Timestamp end, Takes takes, Owner owner) {
    const Timestamp begin = end - sums.total;
    const Forest::NodeId node = forest_->make(deed, sums);
    if (takes == Takes::waits)
        while (items_.size() > merged_ && items_.back().group == kWait && items_.back().last > begin &&
               items_.back().node != kNoNode) {
            forest_->attach(node, items_.back().node);
            items_.pop_back();
        }
    const DeedKind kind = forest_->deed(deed).kind;
    const bool waits = kind == DeedKind::wait || kind == DeedKind::fault;
    push({.node = node,
          .first = begin,
          .last = end,
          .group = waits ? kWait : kLeaf,
          .total = sums.total,
          .owner = owner});
}

void ThreadStack::push(const Item& item) {
    items_.push_back(item);
    if (items_.size() >= fold_at_) fold_older_half();
}

void ThreadStack::fold_older_half() {
    std::map<std::array<std::uint64_t, 2>, std::size_t> seen;  // what, and whose: index in kept
    const std::size_t half = items_.size() / 2;
    std::vector<Item> kept;
    kept.reserve(items_.size());
    for (std::size_t i = 0; i < items_.size(); ++i) {
        const Item& item = items_[i];
        if (i >= half) {
            kept.push_back(item);
            continue;
        }
        const std::uint64_t what =
            item.node == kNoNode ? 0xFFFFFFFF : static_cast<std::uint64_t>(forest_->deed_of(item.node));
        const std::uint64_t key = (what << 32) ^ (std::uint64_t{item.depth} << 8) ^ item.group;
        const auto [slot, fresh] = seen.try_emplace({key, item.owner}, kept.size());
        if (fresh) {
            kept.push_back(item);
            continue;
        }
        Item& into = kept[slot->second];
        if (item.node != kNoNode) forest_->merge(item.node, into.node);
        into.first = std::min(into.first, item.first);
        into.last = std::max(into.last, item.last);
        into.total += item.total;
    }
    merged_ = kept.size() - (items_.size() - half);
    items_.swap(kept);
    fold_at_ = std::max(kMany, 2 * items_.size());
}

// What ended before is no candidate; of items that stand for several, all are.
std::size_t ThreadStack::first_since(Timestamp since) const {
    std::size_t from = items_.size();
    while (from > merged_ && items_[from - 1].last >= since) --from;
    return from == merged_ ? 0 : from;
}

bool ThreadStack::has(Owner owner, Timestamp since) const {
    const auto from = items_.begin() + static_cast<std::ptrdiff_t>(first_since(since));
    return std::any_of(from, items_.end(), [&](const Item& i) {
        return i.owner == owner && i.node != kNoNode;
    });
}

void ThreadStack::give(Owner owner, Timestamp since, Forest::NodeId parent) {
    const std::size_t from = first_since(since);
    std::vector<Item> given;
    std::size_t kept = from, merged_kept = 0;
    for (std::size_t i = from; i < items_.size(); ++i) {
        const Item item = items_[i];
        if (item.owner != owner) {
            merged_kept += i < merged_ ? 1 : 0;
            items_[kept++] = item;
            continue;
        }
        if (item.node != kNoNode) forest_->attach(parent, item.node);
        if (is_call(item)) given.push_back(item);
    }
    items_.resize(kept);
    if (from < merged_) merged_ = merged_kept;
    add_stubs(given);
}

// Of what was given away only the calls matter to what encloses it, by their length: one item per depth.
void ThreadStack::add_stubs(const std::vector<Item>& given) {
    std::vector<Item> stubs;
    for (const Item& call : given) {
        const auto same = std::find_if(stubs.begin(), stubs.end(), [&](const Item& s) {
            return s.depth == call.depth && s.group == call.group;
        });
        if (same == stubs.end()) {
            stubs.push_back(call);
            stubs.back().node = kNoNode;
            continue;
        }
        same->last = std::max(same->last, call.last);
        same->total += call.total;
    }
    for (const Item& stub : stubs) {
        const auto from = items_.begin() + static_cast<std::ptrdiff_t>(merged_);
        const auto place = std::upper_bound(from, items_.end(), stub.last,
                                            [](Timestamp at, const Item& item) { return at < item.last; });
        items_.insert(place, stub);
    }
    if (items_.size() >= fold_at_) fold_older_half();
}

void ThreadStack::give_all(Forest::NodeId parent) {
    for (const Item& item : items_)
        if (item.node != kNoNode) forest_->attach(parent, item.node);
    items_.clear();
    merged_ = 0;
    fold_at_ = kMany;
}

}  // namespace autotune::analysis
