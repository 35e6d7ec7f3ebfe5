// Profile: weighted stacks as one call tree, ready to be drawn or exported. Self-contained: frames are plain
// text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/large_vector.hpp"
#include "core/tables.hpp"

namespace autotune {

// Stands below the root, above the stacks whose unwinding did not reach the thread's start: in every view
// they are seen, beside the whole ones.
inline constexpr std::string_view kTruncatedFrame = "[truncated]";
// The only frame of a stack of which nothing could be unwound, and the name of a frame that has none.
inline constexpr std::string_view kUnknownFrame = "[unknown]";

enum class ProfileUnit : std::uint8_t { nanoseconds, bytes, count };

// A place in a program. What is not known is empty or 0.
struct ProfileFrame {
    std::string name;      // "" = no name was found
    std::string module;    // ELF file or script
    std::string build_id;  // hex
    std::string file;      // source
    std::uint32_t line = 0;
    FrameKind kind = FrameKind::unknown;
    auto operator<=>(const ProfileFrame&) const = default;
};

// `frame`, called by the frames from the root to `parent`.
struct ProfileNode {
    std::uint32_t frame = 0;   // index into Profile::frames
    std::uint32_t parent = 0;  // index into Profile::nodes, smaller than the node's own
    std::uint64_t self = 0;    // weight of the stacks that end here, in Profile::unit
};

struct Profile {
    std::string title;  // "orders (on-CPU)"
    ProfileUnit unit = ProfileUnit::nanoseconds;
    std::string measure = "cpu";       // what the weights are: cpu, wall, off_cpu, alloc_space, …
    std::uint64_t period = 0;          // weight of one sample; 0 = exact, or not known
    std::vector<ProfileFrame> frames;  // no two alike
    // Parents before children; no two with the same parent and frame. The first is the root: no frame of its
    // own, its `self` the weight of empty stacks.
    LargeVector<ProfileNode> nodes = LargeVector<ProfileNode>(1);
    // A comparison: what `self` was before, by node. Empty: there is nothing to compare with.
    std::vector<std::uint64_t> before;
    std::uint64_t truncated = 0;  // weight of stacks that do not reach the thread's start

    [[nodiscard]] std::uint64_t total() const;
    [[nodiscard]] std::uint64_t total_before() const;
    // How many different stacks have weight.
    [[nodiscard]] std::size_t stacks() const;
};

// Weight of each node with all below it. By node; for `before` likewise where it is given.
[[nodiscard]] LargeVector<std::uint64_t> subtree_weights(const Profile& profile);
[[nodiscard]] LargeVector<std::uint64_t> subtree_weights_before(const Profile& profile);

// `after` with the weights of `before` beside its own; stacks that are only in one of them too. Frames are
// matched by name, module and kind: builds and lines may differ. REQUIRES: one unit.
[[nodiscard]] Profile compare(const Profile& before, const Profile& after);

}  // namespace autotune
