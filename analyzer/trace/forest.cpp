#include "analyzer/trace/forest.hpp"

#include <algorithm>
#include <utility>

namespace autotune::analysis {

Forest::Forest(std::size_t limit) : limit_(limit) { (void)intern(Deed{}); }

std::size_t Forest::DeedHash::operator()(const Deed& d) const noexcept {
    std::size_t h = static_cast<std::size_t>(d.kind);
    const auto mix = [&](std::uint64_t value) { h = (h ^ value) * 0x9E3779B97F4A7C15ULL + (h >> 29); };
    mix((std::uint64_t{d.code} << 32) | (std::uint64_t{d.status} << 8) | (d.tls ? 1u : 0u));
    mix((std::uint64_t{d.number} << 32) | static_cast<std::uint32_t>(d.function));
    mix((static_cast<std::uint64_t>(d.text) << 32) | static_cast<std::uint32_t>(d.host));
    mix(static_cast<std::uint64_t>(d.method));
    mix(std::hash<Endpoint>()(d.peer));
    return h;
}

DeedId Forest::intern(const Deed& deed) {
    if (const auto known = deed_ids_.find(deed); known != deed_ids_.end()) return known->second;
    if (deeds_.size() > limit_) return DeedId(0);  // the folded one
    const auto id = DeedId(deeds_.size());
    deeds_.push_back(deed);
    deed_ids_.emplace(deed, id);
    return id;
}

Forest::NodeId Forest::make(DeedId deed, const Sums& sums) {
    NodeId id = 0;
    if (free_.empty()) {
        id = static_cast<NodeId>(nodes_.size());
        nodes_.emplace_back();
    } else {
        id = free_.back();
        free_.pop_back();
        nodes_[id] = Node{};
    }
    nodes_[id].deed = deed;
    nodes_[id].sums = sums;
    if (deed == DeedId(0)) folded_ += sums.count;  // there was no room for its name
    return id;
}

Forest::NodeId Forest::find(NodeId parent, DeedId deed) const {
    const Node& p = nodes_[parent];
    if (p.children > kFewChildren) {
        const auto found = index_.find(key(parent, deed));
        return found == index_.end() ? kNoNode : found->second;
    }
    for (NodeId n = p.first_child; n != kNoNode; n = nodes_[n].next)
        if (nodes_[n].deed == deed) return n;
    return kNoNode;
}

void Forest::append(NodeId parent, NodeId child) {
    Node& p = nodes_[parent];
    (p.last_child == kNoNode ? p.first_child : nodes_[p.last_child].next) = child;
    p.last_child = child;
    nodes_[child].next = kNoNode;
    p.height = std::max(p.height, nodes_[child].height + 1);
    ++p.children;
    if (p.children == kFewChildren + 1)
        for (NodeId n = p.first_child; n != kNoNode; n = nodes_[n].next)
            index_.emplace(key(parent, nodes_[n].deed), n);
    else if (p.children > kFewChildren)
        index_.emplace(key(parent, nodes_[child].deed), child);
}

void Forest::add(Sums& into, const Sums& from) {
    into.first = into.count == 0   ? from.first
                 : from.count == 0 ? into.first
                                   : std::min(into.first, from.first);
    into.count += from.count;
    into.failures += from.failures;
    into.cut += from.cut;
    into.bytes += from.bytes;
    into.total += from.total;
    into.self += from.self;
    into.slowest = std::max(into.slowest, from.slowest);
}

void Forest::release(NodeId node) {
    if (nodes_[node].children > kFewChildren)
        for (NodeId n = nodes_[node].first_child; n != kNoNode; n = nodes_[n].next)
            index_.erase(key(node, nodes_[n].deed));
    nodes_[node].first_child = nodes_[node].last_child = kNoNode;
    nodes_[node].children = 0;
    free_.push_back(node);
}

void Forest::merge(NodeId from, NodeId into) {
    add(nodes_[into].sums, nodes_[from].sums);
    NodeId child = nodes_[from].first_child;
    release(from);
    while (child != kNoNode) {
        const NodeId next = nodes_[child].next;
        attach(into, child);
        child = next;
    }
}

void Forest::attach(NodeId parent, NodeId child) {
    if (const NodeId equal = find(parent, nodes_[child].deed); equal != kNoNode) return merge(child, equal);
    const bool too_much = size() > limit_ || nodes_[child].height >= kDeepest;
    if (too_much && nodes_[child].deed != DeedId(0)) return fold(parent, child);
    append(parent, child);
}

Forest::NodeId Forest::child_of(NodeId parent, DeedId deed) {
    if (const NodeId known = find(parent, deed); known != kNoNode) return known;
    const NodeId fresh = make(deed, {});
    append(parent, fresh);
    return fresh;
}

void Forest::fold(NodeId parent, NodeId child) {
    Sums sums = nodes_[child].sums;
    const auto below = [&](const auto& self, NodeId node) -> void {
        for (NodeId n = nodes_[node].first_child; n != kNoNode;) {
            const NodeId next = nodes_[n].next;
            sums.count += nodes_[n].sums.count;
            sums.failures += nodes_[n].sums.failures;
            sums.bytes += nodes_[n].sums.bytes;
            self(self, n);
            n = next;
        }
        release(node);
    };
    below(below, child);
    folded_ += sums.count;
    add(nodes_[child_of(parent, DeedId(0))].sums, sums);
}

Timestamp Forest::begin_of(NodeId node) const {
    if (nodes_[node].sums.count > 0) return nodes_[node].sums.first;
    Timestamp first = Timestamp::max();
    for (NodeId n = nodes_[node].first_child; n != kNoNode; n = nodes_[n].next)
        first = std::min(first, begin_of(n));
    return first;
}

std::uint32_t Forest::export_children(NodeId root, std::vector<TraceNode>& out) const {
    std::vector<NodeId> children;
    for (NodeId n = nodes_[root].first_child; n != kNoNode; n = nodes_[n].next) children.push_back(n);
    std::stable_sort(children.begin(), children.end(),
                     [&](NodeId a, NodeId b) { return begin_of(a) < begin_of(b); });
    std::uint32_t first = kNoNode, before = kNoNode;
    for (const NodeId n : children) {
        const auto index = static_cast<std::uint32_t>(out.size());
        const Sums& s = nodes_[n].sums;
        out.push_back({.deed = deed(nodes_[n].deed),
                       .count = s.count,
                       .failures = s.failures,
                       .cut = s.cut,
                       .bytes = s.bytes,
                       .total = s.total,
                       .self = s.self,
                       .slowest = s.slowest,
                       .first = begin_of(n)});
        (before == kNoNode ? first : out[before].next) = index;
        before = index;
        const std::uint32_t below = export_children(n, out);
        out[index].first_child = below;
    }
    return first;
}

}  // namespace autotune::analysis
