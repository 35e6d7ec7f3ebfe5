// Texts by code points: CEL counts and cuts them so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::cel {

// Each byte that begins no character is one U+FFFD, adjacent ones are one together.
[[nodiscard]] std::u32string decode(std::string_view utf8);
void append_utf8(std::string& out, char32_t c);
[[nodiscard]] std::string encode(std::u32string_view text);

}  // namespace autotune::cel
