// What an executor and the Lambda Runtime API say to each other, from the heads of their messages. Pure.
// AWS Lambda Developer Guide, "Using the Lambda runtime API", version 2018-06-01.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/ids.hpp"

namespace autotune {

enum class RuntimeRequestKind : std::uint8_t { next, response, error, init_error, other };

// Views point into the head.
struct RuntimeRequest {
    RuntimeRequestKind kind{};
    InvocationId id;  // response and error
    std::uint64_t content_length = 0;
    std::string_view error_type;  // error and init_error: Lambda-Runtime-Function-Error-Type
};
// nullopt when it is not a request to the Runtime API.
[[nodiscard]] std::optional<RuntimeRequest> parse_runtime_request(std::string_view head);

struct RuntimeAnswer {  // to GET …/invocation/next
    InvocationId id;
    std::string_view function;   // from the ARN
    std::string_view qualifier;  // from the ARN, "" when it has none
    std::string_view trace_id;
    std::uint64_t deadline_ms = 0;  // since the epoch; 0 = not said
    std::uint64_t content_length = 0;
    std::optional<std::uint64_t> held_ms;  // our host's: held for a debugger, with so much time of its own
};
// nullopt unless it is a 200 that brings an invocation.
[[nodiscard]] std::optional<RuntimeAnswer> parse_runtime_answer(std::string_view head);

}  // namespace autotune
