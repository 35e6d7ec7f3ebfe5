// autotune trace --break: has the embedded host hold one invocation, tells how to come to it with a debugger, and
// stays until it is over. Gone or interrupted, it lets the invocation go: the host sees the connection end.
#pragma once

#include <string>

#include "core/time.hpp"

namespace autotune::cli {

struct BreakRequest {
    std::string function;  // name, name:version, name:alias, or ARN; empty: no break is asked for
    Nanos longest = std::chrono::minutes(10);
    std::string endpoint;  // of the host; empty: as the environment says, else http://127.0.0.1:9000
    bool json = false;     // a line on stdout for each thing that happens, as the host tells it
};

// Exit status: 0 when the invocation is over or was let go, 1 without a host or such a function, 2 for an
// endpoint that is not on this machine.
[[nodiscard]] int run_break(const BreakRequest& request);

// Whether the URL's host is a loopback address, by its number or as "localhost".
[[nodiscard]] bool is_on_this_machine(const std::string& url);

}  // namespace autotune::cli
