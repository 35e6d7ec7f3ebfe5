// Folded stacks, the text format of Brendan Gregg's stackcollapse scripts: one line a stack, root first,
// ';' between plain names, a space, an integer weight in the profile's unit.
#pragma once

#include <string>

#include "core/profile.hpp"

namespace autotune::render {

// Pure. A ';' within a name becomes ':', line breaks become spaces; stacks without frames are "[unknown]".
// Lines in order; stacks that read alike are one.
[[nodiscard]] std::string folded(const Profile& profile);

}  // namespace autotune::render
