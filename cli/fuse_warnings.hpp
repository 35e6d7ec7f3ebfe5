// What can be seen in a function's folder that will not do in a group what it does by itself.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace autotune::cli {

// In words, each a line: files that are opened from the working folder, an AWS SDK that is part of a bundle. Hints: what
// cannot be read is passed over, and what a program does with its files is not known.
[[nodiscard]] std::vector<std::string> warnings_of(const std::string& function, const std::filesystem::path& folder);

}  // namespace autotune::cli
