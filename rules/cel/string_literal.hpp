// String and bytes literals: prefixes r and b, ' " ''' """, escape sequences.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "rules/cel/ast.hpp"

namespace autotune::cel {

struct StringLiteral {
    std::size_t length = 0;  // bytes of source it takes
    bool is_bytes = false;
    std::string content;  // UTF-8; of bytes: as they are
};

// Does a literal begin at source[offset]?
[[nodiscard]] bool starts_string(std::string_view source, std::size_t offset);

// REQUIRES starts_string(source, offset).
[[nodiscard]] std::variant<StringLiteral, Issue> read_string(std::string_view source, std::size_t offset);

// Number of code points; UTF-8 is not validated, every non-continuation byte counts.
[[nodiscard]] std::int64_t code_points(std::string_view utf8);
[[nodiscard]] bool valid_utf8(std::string_view text);

}  // namespace autotune::cel
