// A profile as an indented call tree for terminals: share, weight, function; the heaviest first. Of a
// comparison also the share that it had before and the change in points: what grew, what shrank, what is new
// or gone. Last, what the whole is, and how much of it does not reach its start.
#pragma once

#include <cstddef>
#include <string>

#include "core/profile.hpp"

namespace autotune::render {

struct CallTreeOptions {
    double min_share = 0.01;  // of the whole; lighter branches are told as one line
    std::size_t max_lines = 200;
    std::size_t width = 120;  // columns; longer lines are cut
};

// Pure. Chains without a fork are not indented further.
[[nodiscard]] std::string call_tree_text(const Profile& profile, const CallTreeOptions& options = {});

}  // namespace autotune::render
