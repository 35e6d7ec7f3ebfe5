#include "host/control/faults.hpp"

#include <array>
#include <nlohmann/json.hpp>

namespace autotune::host {
namespace {

enum class Blame : std::uint8_t { nobody, user, service };

struct Shape {
    Fault fault;
    Errc code;
    int status;
    std::string_view exception;
    std::string_view message_key;  // the model is not of one mind: "Message" or "message"
    Blame blame;                   // the member "Type"
    std::string_view reason;       // the member "Reason", for throttling
};

// An exception's name and its Errc together tell which fault it was: the two throttles differ by the latter.
constexpr std::array shapes{
    Shape{Fault::validation, Errc::invalid_argument, 400, "ValidationException", "message", Blame::nobody,
          ""},
    Shape{Fault::invalid_parameter, Errc::invalid_argument, 400, "InvalidParameterValueException", "message",
          Blame::user, ""},
    Shape{Fault::invalid_content, Errc::invalid_argument, 400, "InvalidRequestContentException", "message",
          Blame::user, ""},
    Shape{Fault::not_found, Errc::not_found, 404, "ResourceNotFoundException", "Message", Blame::user, ""},
    Shape{Fault::conflict, Errc::already_exists, 409, "ResourceConflictException", "message", Blame::user,
          ""},
    Shape{Fault::precondition_failed, Errc::conflict, 412, "PreconditionFailedException", "message",
          Blame::user, ""},
    Shape{Fault::too_many_requests, Errc::resource_exhausted, 429, "TooManyRequestsException", "message",
          Blame::user, "ReservedFunctionConcurrentInvocationLimitExceeded"},
    Shape{Fault::account_throttled, Errc::unavailable, 429, "TooManyRequestsException", "message",
          Blame::user, "ConcurrentInvocationLimitExceeded"},
    Shape{Fault::payload_too_large, Errc::invalid_argument, 413, "RequestTooLargeException", "message",
          Blame::user, ""},
    Shape{Fault::request_too_large, Errc::invalid_argument, 413, "RequestEntityTooLargeException", "message",
          Blame::nobody, ""},
    Shape{Fault::no_provisioned_concurrency, Errc::not_found, 404,
          "ProvisionedConcurrencyConfigNotFoundException", "message", Blame::user, ""},
    Shape{Fault::unknown_operation, Errc::unsupported, 404, "UnknownOperationException", "message",
          Blame::nobody, ""},
    Shape{Fault::service, Errc::internal, 500, "ServiceException", "Message", Blame::service, ""},
};

const Shape& shape_of(Fault fault) {
    for (const auto& shape : shapes)
        if (shape.fault == fault) return shape;
    return shapes.back();
}

const Shape& shape_of(const Error& error, std::string_view& message) {
    message = error.message;
    const auto colon = message.find(": ");
    if (colon == std::string_view::npos) return shapes.back();
    const auto name = message.substr(0, colon);
    for (const auto& shape : shapes) {
        if (shape.exception != name || shape.code != error.code) continue;
        message.remove_prefix(colon + 2);
        return shape;
    }
    return shapes.back();
}

}  // namespace

Unexpected lambda_fault(Fault fault, std::string message) {
    const auto& shape = shape_of(fault);
    return fail(shape.code, std::string(shape.exception) + ": " + message);
}

Unexpected constraint_fault(std::string_view value, std::string_view member, std::string_view constraint) {
    return lambda_fault(Fault::validation, "1 validation error detected: Value " + std::string(value) +
                                               " at '" + std::string(member) +
                                               "' failed to satisfy constraint: " + std::string(constraint));
}

net::HttpResponse fault_response(const Error& error) {
    std::string_view message;
    const auto& shape = shape_of(error, message);
    nlohmann::ordered_json body;
    if (shape.blame != Blame::nobody) body["Type"] = shape.blame == Blame::user ? "User" : "Service";
    body[std::string(shape.message_key)] = message;
    if (!shape.reason.empty()) body["Reason"] = shape.reason;
    net::HttpResponse response{shape.status, {}, {}};
    response.headers.add("Content-Type", "application/json");
    response.headers.add("x-amzn-ErrorType", std::string(shape.exception));
    if (shape.status == 429) {
        body["retryAfterSeconds"] = "1";
        response.headers.add("Retry-After", "1");
    }
    // A message may quote bytes of the request that are not UTF-8.
    response.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return response;
}

}  // namespace autotune::host
