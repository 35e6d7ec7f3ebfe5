// Profiles written down and read back as stacks of names, root first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/profile_builder.hpp"

namespace autotune::testing {

using NamedStack = std::pair<std::vector<std::string>, std::uint64_t>;

inline Profile profile_of(const std::vector<NamedStack>& stacks, std::string title = {},
                          std::uint64_t truncated = 0) {
    ProfileBuilder builder;
    for (const auto& [names, weight] : stacks) {
        std::vector<std::uint32_t> frames;
        for (const std::string& name : names) frames.push_back(builder.frame(name));
        builder.add_stack(frames, weight);
    }
    return std::move(builder).build(std::move(title), ProfileUnit::nanoseconds, truncated);
}

inline std::vector<NamedStack> stacks_of(const Profile& profile) {
    std::vector<NamedStack> out;
    for (std::uint32_t i = 0; i < profile.nodes.size(); ++i) {
        if (profile.nodes[i].self == 0) continue;
        std::vector<std::string> names;
        for (std::uint32_t at = i; at != 0; at = profile.nodes[at].parent)
            names.push_back(profile.frames[profile.nodes[at].frame].name);
        std::reverse(names.begin(), names.end());
        out.emplace_back(std::move(names), profile.nodes[i].self);
    }
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace autotune::testing
