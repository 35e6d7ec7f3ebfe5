// Files that are larger than memory should be, piece by piece.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "core/result.hpp"

namespace autotune {

// Each piece is `take`n, in the caller's thread, and gone before the next; the first holds at least two bytes where the file
// does. Of large regular files another thread reads the next piece meanwhile. Errors: as read_file, or what `take` says.
[[nodiscard]] Status read_in_pieces(const std::filesystem::path& path,
                                    const std::function<Status(std::string_view)>& take);

}  // namespace autotune
