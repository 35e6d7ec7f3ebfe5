// The errors of the Lambda control API: which exceptions there are and how they go over the wire.
//
// Inside the host a Lambda exception is an ordinary Error whose message begins with the exception's
// name: "ResourceNotFoundException: Function not found: arn:…". So it reads well in a log, and only
// fault_response() needs to know statuses and bodies. Shapes: botocore's model of 2015-03-31.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "net/http.hpp"

namespace autotune::host {

enum class Fault : std::uint8_t {
    validation,         // a member breaks the model's constraint
    invalid_parameter,  // well-formed, but not possible
    invalid_content,    // the payload of Invoke is not JSON
    not_found,
    conflict,             // it exists already, or something else holds it
    precondition_failed,  // RevisionId is not the newest
    too_many_requests,    // reserved concurrency is used up
    account_throttled,    // the host has no capacity left
    payload_too_large,    // Invoke
    request_too_large,    // anything else
    no_provisioned_concurrency,
    unknown_operation,
    service,  // the host's own failure
};

// An error that fault_response() turns into that exception.
[[nodiscard]] Unexpected lambda_fault(Fault fault, std::string message);

// "1 validation error detected: Value 'x' at 'y' failed to satisfy constraint: Member must …"
// `value` is given with its quotes, or as `null`.
[[nodiscard]] Unexpected constraint_fault(std::string_view value, std::string_view member,
                                          std::string_view constraint);

// The answer for any error. One that is not a Lambda exception becomes ServiceException (500).
[[nodiscard]] net::HttpResponse fault_response(const Error& error);

}  // namespace autotune::host
