// What plain YAML scalars mean to the readers of this world: 1.1 and 1.2 disagree, and we refuse
// whatever they disagree on.
#pragma once

#include <string>
#include <string_view>

namespace autotune::rules {

// A decimal number in the one spelling that all readers take alike: -12, 0.5, 1e6.
[[nodiscard]] bool is_number(std::string_view plain);

// For 010, 0o10, 0x1F, 1_000, 1:30, +5, .5: how to write it; "" when it is no such number.
[[nodiscard]] std::string ambiguous_number(std::string_view plain);

// "a boolean", "a number", "null" when some reader does not take it for text; else "".
[[nodiscard]] std::string_view not_text_to_some(std::string_view plain);

}  // namespace autotune::rules
