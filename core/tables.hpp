// Tables that events refer to by small ids: strings, frames, stacks.
//
// Append-only; ids stay valid for the table's life. Bounded: past its capacity a table gives every
// new entry the id of one "overflow" entry and counts it, so a program that makes up file names for
// ever cannot eat the agent. Not thread-safe: one owner, the pipeline's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/ids.hpp"

namespace autotune {

class StringTable {
public:
    explicit StringTable(std::size_t capacity = 1'000'000);

    StringId intern(std::string_view text);
    // The text of an id that this table gave out. The view lives as long as the table.
    [[nodiscard]] std::string_view operator[](StringId id) const;
    [[nodiscard]] std::uint64_t overflowed() const { return overflowed_; }
    [[nodiscard]] std::size_t size() const { return texts_.size(); }

private:
    std::deque<std::string> texts_;
    std::unordered_map<std::string_view, StringId> ids_;  // keys point into texts_
    std::size_t capacity_;
    std::uint64_t overflowed_ = 0;
};

enum class FrameKind : std::uint8_t { unknown, native, kernel, python, node, jvm };

// One place in a program. Strings are ids of the StringTable beside it.
struct Frame {
    StringId name{};       // demangled function name, or "module+0x1234" where there is no symbol
    StringId module{};     // path of the ELF file, script or "[kernel]"
    StringId build_id{};   // hex, empty where there is none
    StringId file{};       // source file, where known
    std::uint32_t line = 0;  // 0 = not known
    FrameKind kind = FrameKind::unknown;
    auto operator<=>(const Frame&) const = default;
};

class FrameTable {
public:
    explicit FrameTable(std::size_t capacity = 1'000'000);
    FrameId intern(const Frame& frame);
    [[nodiscard]] const Frame& operator[](FrameId id) const;
    [[nodiscard]] std::uint64_t overflowed() const { return overflowed_; }
    [[nodiscard]] std::size_t size() const { return frames_.size(); }

private:
    struct Hash {
        std::size_t operator()(const Frame& f) const noexcept;
    };
    std::deque<Frame> frames_;
    std::unordered_map<Frame, FrameId, Hash> ids_;
    std::size_t capacity_;
    std::uint64_t overflowed_ = 0;
};

// Stacks, leaf first.
class StackTable {
public:
    explicit StackTable(std::size_t capacity = 1'000'000);
    StackId intern(std::span<const FrameId> leaf_first);
    [[nodiscard]] std::span<const FrameId> operator[](StackId id) const;
    [[nodiscard]] std::uint64_t overflowed() const { return overflowed_; }
    [[nodiscard]] std::size_t size() const { return stacks_.size(); }

private:
    // Both also of spans: what is known is found without a copy.
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::span<const FrameId> s) const;  // not noexcept: libstdc++ then keeps each key's, and need not go to it
    };
    struct Same {
        using is_transparent = void;
        bool operator()(std::span<const FrameId> a, std::span<const FrameId> b) const;
    };
    std::deque<const std::vector<FrameId>*> stacks_;  // point at keys of ids_
    std::unordered_map<std::vector<FrameId>, StackId, Hash, Same> ids_;
    std::size_t capacity_;
    std::uint64_t overflowed_ = 0;
};

struct Tables {
    StringTable strings;
    FrameTable frames;
    StackTable stacks;
};

}  // namespace autotune
