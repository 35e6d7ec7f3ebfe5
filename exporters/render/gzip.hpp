// RFC 1952, by zlib.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace autotune::render {

// Same bytes for the same bytes: no name, no time in the header.
[[nodiscard]] std::string gzip(std::string_view bytes);

// Errors: corrupt; resource_exhausted when there would be more than `most` bytes.
[[nodiscard]] Result<std::string> gunzip(std::string_view bytes, std::size_t most);

// Does it begin like a gzip file?
[[nodiscard]] bool is_gzip(std::string_view bytes);

}  // namespace autotune::render
