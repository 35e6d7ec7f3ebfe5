// Text that is safe to put into XML, DOT and the like, whatever bytes it comes from.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace autotune::render {

// Well-formed UTF-8 without control characters (they and invalid bytes become U+FFFD, tabs and line
// breaks a space) and without what XML 1.0 forbids.
[[nodiscard]] std::string clean_text(std::string_view bytes);

// clean_text with & < > " ' as entities: for element content and attribute values.
[[nodiscard]] std::string xml_text(std::string_view bytes);

// clean_text as a JSON string with its quotes. May also stand in an HTML <script>: '<' is escaped.
[[nodiscard]] std::string json_string(std::string_view bytes);

// Number of code points. REQUIRES: well-formed UTF-8.
[[nodiscard]] std::size_t length_of(std::string_view utf8);

// The first `count` code points. REQUIRES: well-formed UTF-8.
[[nodiscard]] std::string_view first_of(std::string_view utf8, std::size_t count);

// "1.234 s", "56.7 ms", "12.3 MiB", "42": for people.
[[nodiscard]] std::string human_duration(double seconds);
[[nodiscard]] std::string human_bytes(double bytes);

}  // namespace autotune::render
