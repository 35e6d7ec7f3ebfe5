// Breaks over HTTP: this host's own surface for `autotune trace --break`, below /autotune/breaks. Documented
// in docs/debugging.md.
#pragma once

#include "host/control/operations.hpp"
#include "net/http_server.hpp"

namespace autotune::host {

// POST /autotune/breaks {"function": "hello:live", "longest_ms": 600000}: 201 {"id": …}.
Result<net::HttpResponse> add_break(Control&, const OperationRequest&);
// DELETE /autotune/breaks/ID: what is held goes on.
Result<net::HttpResponse> remove_break(Control&, const OperationRequest&);

// GET /autotune/breaks/ID?seen=N: how it goes, when that is newer than N: at once or later. Who goes away
// while waiting lets the invocation go.
void listen_to_break(Control& control, const OperationRequest& request, net::Responder responder);

}  // namespace autotune::host
