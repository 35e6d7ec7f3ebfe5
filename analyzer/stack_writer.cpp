#include "analyzer/stack_writer.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace autotune {

std::string shown_name(const Frame& frame, const Tables& tables) {
    const std::string_view name = tables.strings[frame.name];
    return std::string(name.empty() ? kUnknownFrame : name);
}

void StackWriter::add(StackId stack, std::uint64_t weight, StackEnd end) {
    const auto index = static_cast<std::size_t>(stack);
    if (nodes_.size() <= index) nodes_.resize(std::max(index + 1, tables_.stacks.size()));
    std::uint32_t& node = nodes_[index][end == StackEnd::cut ? 1 : 0];
    if (node == 0) node = node_of(stack, end);
    if (end == StackEnd::cut) truncated_ += weight;
    builder_.add(node, weight);
}

std::uint32_t StackWriter::node_of(StackId stack, StackEnd end) {
    const auto leaf_first = tables_.stacks[stack];
    std::uint32_t node = 0;
    if (end == StackEnd::cut) node = builder_.child(0, builder_.frame(kTruncatedFrame));
    if (leaf_first.empty()) node = builder_.child(node, builder_.frame(kUnknownFrame));
    for (auto frame = leaf_first.rbegin(); frame != leaf_first.rend(); ++frame)
        node = builder_.child(node, frame_id(*frame));
    return node;
}

Profile StackWriter::take(std::string title) && {
    return std::move(builder_).build(std::move(title), ProfileUnit::nanoseconds, truncated_);
}

std::uint32_t StackWriter::frame_id(FrameId id) {
    const auto [known, fresh] = ids_.try_emplace(id);
    if (!fresh) return known->second;
    const Frame& frame = tables_.frames[id];
    const auto text = [&](StringId s) { return std::string(tables_.strings[s]); };
    return known->second = builder_.frame({.name = shown_name(frame, tables_),
                                           .module = text(frame.module),
                                           .build_id = text(frame.build_id),
                                           .file = text(frame.file),
                                           .line = frame.line,
                                           .kind = frame.kind});
}

}  // namespace autotune
