// Profile: weighted stacks as one call tree, ready to be drawn or exported. Self-contained: frames are plain
// text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/tables.hpp"

namespace autotune {

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
    std::vector<ProfileNode> nodes{1};
    // A comparison: what `self` was before, by node. Empty: there is nothing to compare with.
    std::vector<std::uint64_t> before;
    std::uint64_t truncated = 0;  // weight of stacks that do not reach the thread's start

    [[nodiscard]] std::uint64_t total() const;
    [[nodiscard]] std::uint64_t total_before() const;
    // How many different stacks have weight.
    [[nodiscard]] std::size_t stacks() const;
};

// Weight of each node with all below it. By node; for `before` likewise where it is given.
[[nodiscard]] std::vector<std::uint64_t> subtree_weights(const Profile& profile);
[[nodiscard]] std::vector<std::uint64_t> subtree_weights_before(const Profile& profile);

// Puts a profile together, stack by stack. Not thread-safe.
class ProfileBuilder {
public:
    // `expected_nodes`: a guess, so that less is moved while it grows.
    explicit ProfileBuilder(std::size_t expected_nodes = 0);

    // The id of a frame, for stacks.
    std::uint32_t frame(const ProfileFrame& frame);
    // The same for a frame of which only the name is known; faster.
    std::uint32_t frame(std::string_view name);

    // The node for `frame` below `parent` (0: the root); new if there was none.
    std::uint32_t child(std::uint32_t parent, std::uint32_t frame);
    // REQUIRES: node was given out by child(), or 0.
    void add(std::uint32_t node, std::uint64_t weight) { profile_.nodes[node].self += weight; }
    // What a comparison found there before.
    void add_before(std::uint32_t node, std::uint64_t weight);

    // A whole stack, root first.
    void add_stack(std::span<const std::uint32_t> root_first, std::uint64_t weight);

    [[nodiscard]] Profile build(std::string title, ProfileUnit unit, std::uint64_t truncated = 0) &&;

private:
    struct FrameHash {
        std::size_t operator()(const ProfileFrame& f) const noexcept;
    };
    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>()(s); }
    };
    void grow();

    Profile profile_;
    std::unordered_map<ProfileFrame, std::uint32_t, FrameHash> full_;
    std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>> named_;
    struct Slot {
        std::uint32_t node = 0;  // 0: free (the root is nobody's child)
        std::uint32_t tag = 0;   // of its parent and frame: spares most looks at the node itself
    };
    std::vector<Slot> slots_;  // open addressing
};

// `after` with the weights of `before` beside its own; stacks that are only in one of them too. Frames are
// matched by name, module and kind: builds and lines may differ. REQUIRES: one unit.
[[nodiscard]] Profile compare(const Profile& before, const Profile& after);

}  // namespace autotune
