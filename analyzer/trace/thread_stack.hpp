// ThreadStack: what one thread has done and that no enclosing call has claimed yet.
//
// Calls are told when they end, inner ones first. So everything that ended is put aside, and a call that ends
// takes what began after it did. Sources of one kind count depth: among them depth decides, and when
// the call was entered by the clock: the times less what probes added overlap. Between kinds (a system call in a
// function, C in Python) time alone decides.
//
// Bounded: when much is put aside, the older half of it is merged where it is equal.
#pragma once

#include <cstdint>
#include <vector>

#include "analyzer/trace/forest.hpp"
#include "core/event.hpp"

namespace autotune::analysis {

class ThreadStack {
public:
    explicit ThreadStack(Forest& forest) : forest_(&forest) {}

    // A call that ended. `group` tells apart sources whose depths have nothing to do with each other. Returns
    // how long it took without the calls of its group beneath. `owner`: the invocation that it was done for, 0: none.
    using Owner = std::uint64_t;
    Nanos call(DeedId deed, const CallDone& call, Timestamp end, std::uint8_t group, Owner owner);

    enum class Takes : std::uint8_t { nothing, waits };  // what happened meanwhile and belongs beneath it
    void leaf(DeedId deed, const Forest::Sums& sums, Timestamp end, Takes takes, Owner owner);

    // Is there something of the owner's? It began to own at `since`.
    [[nodiscard]] bool has(Owner owner, Timestamp since) const;
    // Gives that to `parent`; what encloses it later still knows how long it took.
    void give(Owner owner, Timestamp since, Forest::NodeId parent);

    void give_all(Forest::NodeId parent);
    [[nodiscard]] bool empty() const { return items_.empty(); }

private:
    static constexpr std::uint8_t kLeaf = 255, kWait = 254;  // groups of what is no call
    static constexpr std::size_t kMany = 8'192;

    struct Item {
        Forest::NodeId node = kNoNode;  // kNoNode: given away
        Timestamp first, last;          // begin of the first, end of the last
        std::uint32_t depth = 0;
        std::uint8_t group = kLeaf;
        Nanos total{0};
        Owner owner = 0;
    };

    void push(const Item& item);
    void fold_older_half();
    [[nodiscard]] std::size_t first_since(Timestamp since) const;
    void add_stubs(const std::vector<Item>& given);
    [[nodiscard]] static bool is_call(const Item& item) { return item.group < kWait; }

    Forest* forest_;
    std::vector<Item> items_;  // by end, but for the first merged_
    std::size_t merged_ = 0;   // items that stand for several
    std::size_t fold_at_ = kMany;
};

}  // namespace autotune::analysis
