// What a request that a plain HTTP server serves is an invocation of. Pure.
#pragma once

#include <string>
#include <string_view>

namespace autotune {

// A function that is a container of its own says its name in the environment: K_SERVICE (Knative, Cloud Run), else
// FUNCTION_TARGET (Functions Framework). `environment`: NAME=value, NUL after each. Empty when it says none.
struct ServiceName {
    std::string function;
    std::string revision;  // K_REVISION
};
[[nodiscard]] ServiceName parse_service_name(std::string_view environment);

// Else each route is a function: "GET /users/{}/posts". A segment of the path that is a number, a UUID or eight
// hexadecimal digits or more, of which one is a decimal, stands for any: "{}". At most six segments and 128 bytes, then "…".
[[nodiscard]] std::string route_name(std::string_view method, std::string_view path);

}  // namespace autotune
