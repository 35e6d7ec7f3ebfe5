// Base64 by RFC 4648, section 4, with OpenSSL's coder behind it. For this room only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace autotune {

[[nodiscard]] std::string to_base64(std::string_view bytes);
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);  // nullopt: it is none

}  // namespace autotune
