// Where a command's result goes.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace autotune::cli {

// To standard output where `path` is empty or "-", else as replace_file.
[[nodiscard]] Status write_text(const std::string& path, std::string_view text);

}  // namespace autotune::cli
