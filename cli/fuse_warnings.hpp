// What can be seen in a function's folder that will not do in a group what it does by itself.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace autotune::cli {

// In words, each a line; "": nothing. What cannot be read is passed over, and what a program does with its files is
// not known.
struct FuseHints {
    std::vector<std::string> warnings;  // files that are opened from the working folder
    std::string bundled_sdk;            // an AWS SDK that is part of a bundle: calls by it are not seen
};
[[nodiscard]] FuseHints hints_of(const std::string& function, const std::filesystem::path& folder);

}  // namespace autotune::cli
