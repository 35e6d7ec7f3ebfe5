// Folded stacks, the text format of Brendan Gregg's stackcollapse scripts: one line a stack, root first,
// ';' between plain names, a space, an integer weight in the profile's unit.
#pragma once

#include <string>
#include <string_view>

#include "core/profile.hpp"
#include "core/result.hpp"

namespace autotune::render {

// Pure. A ';' within a name becomes ':', line breaks become spaces; stacks without frames are "[unknown]".
// Lines in order; stacks that read alike are one.
[[nodiscard]] std::string folded(const Profile& profile);

// The other way: any tool's folded stacks, also perf's with blanks in the names. Empty lines are passed over.
// Errors: corrupt, with the line's number.
[[nodiscard]] Result<Profile> read_folded(std::string_view text, std::string title, ProfileUnit unit);

}  // namespace autotune::render
