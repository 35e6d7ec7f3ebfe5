// Hashes, base64 and unique ids, as Lambda writes them.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace autotune::host {

[[nodiscard]] std::string sha256_base64(std::string_view bytes);  // CodeSha256
[[nodiscard]] std::string to_base64(std::string_view bytes);
// Standard alphabet with padding; line breaks are skipped. Errors: invalid_argument.
[[nodiscard]] Result<std::string> from_base64(std::string_view text);
// A CodeSha256 as a file name: "/" and "+" become "_" and "-", the padding goes.
[[nodiscard]] std::string file_name_of(std::string_view sha256_base64);
[[nodiscard]] std::string random_uuid();  // version 4; thread-safe

}  // namespace autotune::host
