// StackWriter: stacks of a batch's tables, put into a Profile; each frame is turned into text once.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "core/profile_builder.hpp"
#include "core/tables.hpp"

namespace autotune {

// REQUIRES: the tables outlive it. One owner.
class StackWriter {
public:
    explicit StackWriter(const Tables& tables) : tables_(tables) {}

    void add(StackId stack, std::uint64_t weight);
    [[nodiscard]] Profile take(std::string title, std::uint64_t truncated) &&;

private:
    [[nodiscard]] std::uint32_t frame_id(FrameId id);

    const Tables& tables_;
    ProfileBuilder builder_;
    std::unordered_map<FrameId, std::uint32_t> ids_;
};

// The frame's name, "[unknown]" where it has none.
[[nodiscard]] std::string shown_name(const Frame& frame, const Tables& tables);

}  // namespace autotune
