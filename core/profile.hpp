// Profile: weighted stacks, ready to be drawn or exported. Self-contained: frames are plain text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/tables.hpp"

namespace autotune {

enum class ProfileUnit : std::uint8_t { nanoseconds, bytes, count };

struct ProfileStack {
    std::vector<std::string> frames;  // root first
    std::uint64_t weight = 0;         // in Profile::unit
};

struct Profile {
    std::string title;                // "orders (on-CPU)"
    ProfileUnit unit = ProfileUnit::nanoseconds;
    std::vector<ProfileStack> stacks; // sorted by frames; no two alike
    std::uint64_t truncated = 0;      // weight of stacks that do not reach the thread's start
};

}  // namespace autotune
