// StackWriter: stacks of a batch's tables, put into a Profile; each frame is turned into text once.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/profile_builder.hpp"
#include "core/tables.hpp"

namespace autotune {

enum class StackEnd : std::uint8_t {
    thread_start,  // the outermost frame is the thread's first
    cut,           // the unwinding stopped before it: shown below kTruncatedFrame, and counted
};

// REQUIRES: the tables outlive it. One owner.
class StackWriter {
public:
    explicit StackWriter(const Tables& tables) : tables_(tables) {}

    // A stack without frames, of which nothing could be unwound, is kUnknownFrame.
    void add(StackId stack, std::uint64_t weight, StackEnd end);
    [[nodiscard]] Profile take(std::string title) &&;

private:
    [[nodiscard]] std::uint32_t node_of(StackId stack, StackEnd end);
    [[nodiscard]] std::uint32_t frame_id(FrameId id);

    const Tables& tables_;
    ProfileBuilder builder_;
    std::unordered_map<FrameId, std::uint32_t> ids_;
    // By stack, for both its ends; 0: not looked for. Most stacks come again, and a way down through all frames is long.
    std::vector<std::array<std::uint32_t, 2>> nodes_;
    std::uint64_t truncated_ = 0;
};

// The frame's name, "[unknown]" where it has none.
[[nodiscard]] std::string shown_name(const Frame& frame, const Tables& tables);

}  // namespace autotune
