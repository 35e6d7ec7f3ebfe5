// Tokens of CEL (cel-spec, langdef.md, "Syntax").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/cel/ast.hpp"

namespace autotune::cel {

struct Token {
    enum class What : std::uint8_t {
        end,
        identifier,
        quoted_name,  // `content-type`, after a '.' only
        integer,
        unsigned_integer,
        number,
        text,
        bytes,
        punctuation
    };
    What what = What::end;
    std::size_t offset = 0;
    std::string_view spelling;  // of the source
    std::string content;        // of text and bytes, escapes resolved; of a quoted name
};

struct Lexed {
    std::vector<Token> tokens;  // ends with What::end when there is no issue
    std::optional<Issue> issue;
};
// The views in the tokens point into `source`.
[[nodiscard]] Lexed lex(std::string_view source);

}  // namespace autotune::cel
