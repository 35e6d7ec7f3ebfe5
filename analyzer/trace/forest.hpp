// Forest: trees of deeds, where equal deeds of one parent are one node with a count.
//
// Bounded: past `limit` nodes what would be new beneath a parent is added to its `folded` child, and so is
// what would make a tree deeper than kDeepest; sums stay exact. Steady state allocates nothing: nodes that
// were merged away are used again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/trace.hpp"

namespace autotune::analysis {

enum class DeedId : std::uint32_t {};

class Forest {
public:
    using NodeId = std::uint32_t;  // kNoNode: none

    explicit Forest(std::size_t limit);

    // Equal deeds have equal ids.
    [[nodiscard]] DeedId intern(const Deed& deed);
    [[nodiscard]] const Deed& deed(DeedId id) const { return deeds_[static_cast<std::size_t>(id)]; }

    // What one node holds beside its place in a tree.
    struct Sums {
        std::uint64_t count = 0, failures = 0, cut = 0, bytes = 0;
        Nanos total{0}, self{0}, slowest{0};
        Timestamp first;
    };
    [[nodiscard]] NodeId make(DeedId deed, const Sums& sums);
    [[nodiscard]] DeedId deed_of(NodeId node) const { return nodes_[node].deed; }

    // Makes `child`, a root, a child of `parent`, or merges it into the child that is equal. Either way
    // `child` is not to be used afterwards.
    void attach(NodeId parent, NodeId child);
    // The child of that deed, made when there is none.
    [[nodiscard]] NodeId child_of(NodeId parent, DeedId deed);
    // `from`, a root, becomes part of `into`, which has the same deed.
    void merge(NodeId from, NodeId into);

    // When it or, of a node that only holds others, the first of them began.
    [[nodiscard]] Timestamp begin_of(NodeId node) const;

    // Appends the children of `root` and all below to `out`; returns the index of the first, or kNoNode.
    [[nodiscard]] std::uint32_t export_children(NodeId root, std::vector<TraceNode>& out) const;

    // Calls visit(deed, sums, depth) for each node below `root`, parents before children.
    template <class Visit>
    void walk(NodeId root, Visit&& visit, std::size_t depth = 0) const {
        for (NodeId n = nodes_[root].first_child; n != kNoNode; n = nodes_[n].next) {
            visit(deed(nodes_[n].deed), nodes_[n].sums, depth);
            walk(n, visit, depth + 1);
        }
    }

    [[nodiscard]] std::uint64_t folded() const { return folded_; }
    [[nodiscard]] std::size_t size() const { return nodes_.size() - free_.size(); }

private:
    static constexpr std::uint32_t kFewChildren = 8;  // more are found by the index
    static constexpr std::uint32_t kDeepest = 256;  // a report is no better for more, and we walk recursively
    struct Node {
        DeedId deed{};
        Sums sums;
        NodeId first_child = kNoNode, last_child = kNoNode, next = kNoNode;
        std::uint32_t children = 0;
        std::uint32_t height = 1;
    };

    [[nodiscard]] NodeId find(NodeId parent, DeedId deed) const;
    void append(NodeId parent, NodeId child);
    void fold(NodeId parent, NodeId child);
    void add(Sums& into, const Sums& from);
    void release(NodeId node);
    [[nodiscard]] static std::uint64_t key(NodeId parent, DeedId deed) {
        return (std::uint64_t{parent} << 32) | static_cast<std::uint32_t>(deed);
    }

    struct DeedHash {
        std::size_t operator()(const Deed& deed) const noexcept;
    };
    std::size_t limit_;
    std::vector<Node> nodes_;
    std::vector<NodeId> free_;
    std::vector<Deed> deeds_;
    std::unordered_map<Deed, DeedId, DeedHash> deed_ids_;
    std::unordered_map<std::uint64_t, NodeId> index_;  // of parents with more than kFewChildren
    std::uint64_t folded_ = 0;
};

}  // namespace autotune::analysis
