#include "agent/runtime/allocation_tree.hpp"

#include <algorithm>
#include <utility>

#include "agent/runtime/allocation_places.hpp"

namespace autotune::runtime {

namespace {

// In pieces: a short file gives what it has.
std::vector<at_ring_allocation> entries_of(const RingFile& file) {
    constexpr std::size_t kPiece = 1024;  // the writer makes its file grow by as many
    const auto used = static_cast<std::size_t>(
        std::min<std::uint64_t>(file.header().allocations_used, AT_RING_ALLOCATION_ENTRIES));
    std::vector<at_ring_allocation> entries(used);
    for (std::size_t at = 0; at < used; at += kPiece) {
        const auto piece = std::span(entries).subspan(at, std::min(kPiece, used - at));
        if (file.read_into(AT_RING_BODIES_AT + at * sizeof(at_ring_allocation), piece)) continue;
        entries.resize(at);
        break;
    }
    return entries;
}

}  // namespace

std::uint64_t AllocationTree::weight_of(const at_ring_allocation& entry) const {
    return view_ == AllocationView::held ? entry.held : entry.bytes;
}

// What cannot be is made harmless. The writer goes on meanwhile: `held` is a little wrong then, never absurd.
void AllocationTree::check(std::span<at_ring_allocation> entries) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
        at_ring_allocation& entry = entries[i];
        if (is_below(i, entry.parent) && entry.bytes < kMostAllocated && entry.held < kMostAllocated) continue;
        ++counts_.damaged;
        entry = {};
    }
}

std::uint32_t AllocationTree::frame_of(const RingFile& file, FunctionNames& names, const at_ring_allocation& entry) {
    const Frame& frame = tables_.frames[names.resolve(file, entry.function, tables_)];
    const std::string_view name = tables_.strings[frame.name];
    return builder_.frame({.name = std::string(name.empty() ? kUnknownFrame : name),
                           .module = {},
                           .build_id = {},
                           .file = std::string(tables_.strings[frame.file]),
                           .line = entry.line != 0 ? entry.line : frame.line,
                           .kind = FrameKind::python});
}

void AllocationTree::add(const RingFile& file) {
    std::vector<at_ring_allocation> entries = entries_of(file);
    if (entries.size() < AT_ALLOCATIONS_FIRST) return;
    check(entries);
    counts_.blocks_lost += file.header().blocks_lost;
    counts_.names_lost += file.header().names_lost;
    counts_.no_room += entries[AT_ALLOCATIONS_NO_ROOM].bytes;
    counts_.without_gil += entries[AT_ALLOCATIONS_WITHOUT_GIL].bytes;

    std::vector<bool> wanted(entries.size());  // it or something below has weight
    for (std::size_t i = entries.size(); i-- > 0;) {
        counts_.blocks += entries[i].blocks;
        wanted[i] = wanted[i] || weight_of(entries[i]) > 0;
        if (wanted[i] && i >= AT_ALLOCATIONS_FIRST) wanted[entries[i].parent] = true;
    }
    FunctionNames names({}, symbolizer_);
    std::vector<std::uint32_t> nodes(entries.size());
    std::vector<bool> cut(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const std::uint64_t weight = weight_of(entries[i]);
        if (i == AT_ALLOCATIONS_CUT) {
            cut[i] = true;
            if (wanted[i]) nodes[i] = builder_.child(0, builder_.frame(kTruncatedFrame));
        } else if (const char* special = special_name(i); special != nullptr) {  // 0 is the root of all others
            if (weight > 0) builder_.add(builder_.child(0, builder_.frame(special)), weight);
        } else if (wanted[i]) {
            cut[i] = cut[entries[i].parent];
            nodes[i] = builder_.child(nodes[entries[i].parent], frame_of(file, names, entries[i]));
            builder_.add(nodes[i], weight);
            if (cut[i]) cut_ += weight;
        }
    }
}

Profile AllocationTree::take(std::string title) && {
    Profile profile = std::move(builder_).build(std::move(title), ProfileUnit::bytes, cut_);
    profile.measure = view_ == AllocationView::held ? "inuse_space" : "alloc_space";
    return profile;
}

}  // namespace autotune::runtime
