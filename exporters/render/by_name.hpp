// A profile as flame graphs read it: nodes that differ only in line, file or build become one.
#pragma once

#include "core/profile.hpp"

namespace autotune::render {

// Frames carry name and kind only. Cheap when nothing is to be merged.
[[nodiscard]] Profile merged_by_name(const Profile& profile);

}  // namespace autotune::render
