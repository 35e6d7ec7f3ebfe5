// The rules file as the commands read it.
#pragma once

#include <string>

#include "core/result.hpp"
#include "rules/yaml/load.hpp"

namespace autotune::cli {

// The bytes of a file; fails if it cannot be read.
[[nodiscard]] Result<std::string> read_file(const std::string& file);

// Reads and checks `file`. Whatever is wrong with its text is printed on stderr, a line each, as
// file:line:column: message, and is in the result too; fails if the file cannot be read.
[[nodiscard]] Result<rules::Loaded> load_rules_file(const std::string& file);

}  // namespace autotune::cli
