// The head of an HTTP/1.1 response, as bytes: RFC 9112, section 4 and 6.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace autotune::net {

enum class AfterAnswer : std::uint8_t {
    keep_alive,      // HTTP/1.1: needs no word
    keep_alive_1_0,  // HTTP/1.0: has to be said
    close,
};

// Status line, fields and empty line. Content-Length, Connection, Date and Transfer-Encoding are written
// here, a handler's own are left out; so are fields whose name or value could end the line and start
// another.
[[nodiscard]] std::string response_head(const HttpResponse& response, AfterAnswer after);

// May an answer with this status have a body? Not 1xx, 204 and 304.
[[nodiscard]] bool may_have_body(int status);

}  // namespace autotune::net
