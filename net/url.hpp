// URLs by RFC 3986: splitting, percent-coding, queries.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace autotune::net {

struct Url {
    std::string scheme, host;  // "http", "127.0.0.1" (IPv6 without brackets)
    std::uint16_t port = 0;    // the scheme's default when not given
    std::string path = "/";    // still encoded
    std::string query;         // without "?"
};
Result<Url> parse_url(std::string_view text);

[[nodiscard]] std::string percent_decode(std::string_view text);  // bad escapes stay as they are
[[nodiscard]] std::string percent_encode(std::string_view text,
                                         std::string_view keep = "");  // keeps unreserved

// "/a/b%20c?x=1&y" → {"a","b c"} and {{"x","1"},{"y",""}}
struct Target {
    std::vector<std::string> segments;                                        // decoded, without empty ones
    std::vector<std::pair<std::string, std::string>> query;                   // decoded
    [[nodiscard]] std::string_view query_value(std::string_view name) const;  // "" when absent
};
[[nodiscard]] Target split_target(std::string_view target);

}  // namespace autotune::net
