// Invoke: the one operation that is answered later.
#pragma once

#include <random>

#include "host/control/operations.hpp"
#include "net/http_server.hpp"

namespace autotune::host {

// Payload limits of the service: 6 MiB for RequestResponse, 1 MiB for Event (256 KiB until late 2025).
inline constexpr std::size_t sync_payload_limit = 6 * 1024 * 1024;
inline constexpr std::size_t event_payload_limit = 1024 * 1024;

struct InvokeContext {
    IdSource new_id;          // request ids
    std::mt19937_64& random;  // decides between an alias' two versions, call by call
};

// Answers at once (DryRun, Event, errors) or when the function did. Headers, payload and errors are
// those of Invoke in the API reference. Each call of a split alias is an independent draw, as on Lambda:
// shares are met on average, not in every short stretch.
void invoke_function(Control& control, const InvokeContext& context, const OperationRequest& request,
                     net::Responder responder);

}  // namespace autotune::host
