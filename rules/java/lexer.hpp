// Java's words, without comments: enough to find annotations and the heads of methods. Pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "rules/diagnostic.hpp"

namespace autotune::rules {

struct JavaToken {
    enum class Kind : std::uint8_t { word, number, text, sign } kind = Kind::sign;  // text: strings, text blocks, characters
    std::string_view is;  // of the source, with its quotes
    Position at;
};

// Unicode escapes (\u0041) are left as they are. Errors: invalid_argument, "line:column: what": a string, character or comment
// without an end.
[[nodiscard]] Result<std::vector<JavaToken>> java_tokens(std::string_view source);

}  // namespace autotune::rules
