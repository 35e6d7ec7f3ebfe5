#include "exporters/render/stack_batch.hpp"

#include <algorithm>
#include <bit>
#include <vector>

namespace autotune::render {

namespace {

constexpr std::size_t kMostIds = std::size_t{32} << 20;
constexpr std::size_t kMostStacks = std::size_t{2} << 20;
constexpr std::size_t kStacksBetweenTells = 4096;

}  // namespace

void StackBatch::add(std::span<const std::uint32_t> frames, std::uint64_t weight) {
    if (ids_.capacity() == 0) {  // address space; growing would write all of it twice
        ids_.reserve(kMostIds);
        stacks_.reserve(kMostStacks);
    }
    stacks_.push_back({weight, static_cast<std::uint32_t>(ids_.size()), static_cast<std::uint32_t>(frames.size())});
    ids_.insert(ids_.end(), frames.begin(), frames.end());
}

bool StackBatch::is_full() const { return ids_.size() >= kMostIds || stacks_.size() >= kMostStacks; }

void StackBatch::sort(std::uint32_t frames) {
    const auto bits = std::max(1U, static_cast<std::uint32_t>(std::bit_width(frames)));  // an id and 1 fits
    const std::uint32_t frames_a_key = 64 / bits;
    const std::uint64_t last_frame = (std::uint64_t{1} << bits) - 1;
    order_.resize(stacks_.size());
    for (std::uint32_t i = 0; i < order_.size(); ++i) order_[i].stack = i;
    std::vector<Part> parts{{0, static_cast<std::uint32_t>(order_.size()), 0}};
    while (!parts.empty()) {
        const Part part = parts.back();
        parts.pop_back();
        const auto begin = order_.begin() + part.begin, end = order_.begin() + part.end;
        for (auto place = begin; place != end; ++place) {
            const Stack& stack = stacks_[place->stack];
            place->key = 0;
            for (std::uint32_t i = part.depth; i < part.depth + frames_a_key; ++i)
                place->key = place->key << bits | (i < stack.length ? ids_[stack.at + i] + std::uint64_t{1} : 0);
        }
        std::sort(begin, end, [](const Place& a, const Place& b) { return a.key < b.key; });
        for (auto from = begin; from != end;) {
            const auto to = std::find_if(from, end, [&](const Place& place) { return place.key != from->key; });
            // Those that are over are all the same stack.
            if (to - from > 1 && (from->key & last_frame) != 0)
                parts.push_back({static_cast<std::uint32_t>(from - order_.begin()), static_cast<std::uint32_t>(to - order_.begin()),
                                 part.depth + frames_a_key});
            from = to;
        }
    }
}

void StackBatch::tell(MemoryAhead& ahead) const {
    ahead.wrote(ids_);
    ahead.wrote(stacks_);
}

void StackBatch::put(ProfileBuilder& builder, MemoryAhead& ahead) {
    if (stacks_.empty()) return;
    sort(static_cast<std::uint32_t>(builder.frames()));
    builder.index_appended();
    // Below a node that is new nothing was before: what is asked for is new, or the stack before had it.
    const auto first_new = static_cast<std::uint32_t>(builder.nodes());
    const auto node_of = [&](std::uint32_t parent, std::uint32_t frame) {
        const std::uint32_t known = parent < first_new ? builder.find(parent, frame) : 0;
        return known != 0 ? known : builder.append(parent, frame);
    };
    std::vector<std::uint32_t> nodes{0};  // of the stack before, by depth
    std::span<const std::uint32_t> before;
    std::size_t done = 0;
    for (const Place& place : order_) {
        if (done++ % kStacksBetweenTells == 0) builder.tell(ahead);
        const Stack& stack = stacks_[place.stack];
        const auto ids = std::span<const std::uint32_t>(ids_).subspan(stack.at, stack.length);
        const auto [end, unused] = std::ranges::mismatch(before, ids);
        const auto same = static_cast<std::size_t>(end - before.begin());
        nodes.resize(same + 1);
        for (const std::uint32_t frame : ids.subspan(same)) nodes.push_back(node_of(nodes.back(), frame));
        builder.add(nodes.back(), stack.weight);
        before = ids;
    }
    ids_.clear();
    stacks_.clear();
}

}  // namespace autotune::render
