// ProfileBuilder: puts a Profile together, stack by stack.
//
// Made for millions of stacks: a node that was never there before costs no look-up in a hash, and what lies
// on one path lies side by side in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/memory_ahead.hpp"
#include "core/profile.hpp"

namespace autotune {

// Not thread-safe. At most 2^32 - 1 nodes.
class ProfileBuilder {
public:
    ProfileBuilder();

    // A guess of how many nodes there will be: less is moved while it grows. Costs nothing where it is too
    // high.
    void expect(std::size_t nodes);

    // The id of a frame, for stacks.
    std::uint32_t frame(const ProfileFrame& frame);
    // The same for a frame of which only the name is known; faster.
    std::uint32_t frame(std::string_view name) { return frame(name, scan_name(name, '\0').hash); }
    // The same for text that holds several: the first name's length, it ends before `end` or with the text, and its hash, in
    // one pass. (A zero byte ends none: it is part of a name.)
    struct ScannedName {
        std::size_t length;
        std::uint64_t hash;
    };
    [[nodiscard]] static ScannedName scan_name(std::string_view text, char end);
    std::uint32_t frame(std::string_view name, std::uint64_t hash);

    // The node for `frame` below `parent` (0: the root); new if there was none.
    std::uint32_t child(std::uint32_t parent, std::uint32_t frame);
    // In parts, for who knows more. find(): 0 when there is none; of what append() made since index_appended(), nothing.
    // REQUIRES of append(): there is none yet.
    [[nodiscard]] std::uint32_t find(std::uint32_t parent, std::uint32_t frame) const;
    void index_appended();
    std::uint32_t append(std::uint32_t parent, std::uint32_t frame);
    // REQUIRES: node is one of these, or 0.
    void add(std::uint32_t node, std::uint64_t weight) { profile_.nodes[node].self += weight; }
    // What a comparison found there before.
    void add_before(std::uint32_t node, std::uint64_t weight);

    // Tells how far nodes are written.
    void tell(MemoryAhead& ahead) const;

    // A whole stack, root first.
    void add_stack(std::span<const std::uint32_t> root_first, std::uint64_t weight);

    [[nodiscard]] std::size_t nodes() const { return profile_.nodes.size(); }
    [[nodiscard]] std::size_t frames() const { return profile_.frames.size(); }

    [[nodiscard]] Profile build(std::string title, ProfileUnit unit, std::uint64_t truncated = 0) &&;

private:
    struct FrameHash {
        std::size_t operator()(const ProfileFrame& f) const noexcept;
    };
    // Both of open addressing; id 0: free. `tag`, of the name's hash, spares most looks at the name.
    struct NameSlot {
        std::uint32_t id = 0;
        std::uint32_t tag = 0;
    };
    struct ChildSlot {
        std::uint32_t id = 0;
        std::uint32_t parent = 0, frame = 0;
    };
    // The first few children of a node are a list, the others are in the hash. With a copy of the node's
    // frame: a look-up then needs nothing else.
    struct Kin {
        std::uint32_t frame = 0;
        std::uint32_t first_child = 0, next_sibling = 0;  // 0: none
    };
    void index(std::uint32_t node);
    void grow_children();
    void grow_names();

    Profile profile_;
    std::unordered_map<ProfileFrame, std::uint32_t, FrameHash> full_;
    std::vector<NameSlot> names_;  // id: the frame's, and 1
    std::size_t named_ = 0;
    LargeVector<Kin> kin_ = LargeVector<Kin>(1);  // by node; of appended ones not yet
    LargeVector<ChildSlot> children_;  // id: the node's
    std::size_t hashed_ = 0;
};

}  // namespace autotune
