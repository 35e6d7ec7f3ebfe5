// Invoker: runs invocations in sandboxes. Between the control API (which decides what runs) and the
// sandboxes (which run it). All calls and callbacks are on the event loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "host/function_version.hpp"

namespace autotune::host {

struct InvokeRequest {
    FunctionVersionPtr function;
    std::string request_id;          // UUID
    std::string invoked_arn;         // as the caller qualified it
    std::string payload;             // JSON
    std::string client_context;      // decoded JSON or empty
    std::string trace_id;            // X-Amzn-Trace-Id or empty
};

struct InvokeResult {
    enum class Kind : std::uint8_t {
        ok,              // payload is the function's answer
        function_error,  // payload is Lambda's error object, X-Amz-Function-Error: Unhandled
        throttled,       // no capacity: HTTP 429
        host_failure,    // the sandbox could not be made (disk, cgroups): HTTP 500; payload says why
    };
    Kind kind = Kind::ok;
    std::string payload;
    std::string log_tail;            // last 4 KiB of the invocation's log, START to REPORT
};

// So many sandboxes of a snapshot are to be initialised ahead, and kept, for calls by that alias or version.
struct WarmOrder {
    FunctionVersionPtr function;
    std::string qualifier;
    std::uint32_t count = 0;  // 0: none from now on; those that work end when they have finished
};

struct WarmState {
    std::uint32_t allocated = 0;  // sandboxes, whether they are ready or still start
    std::uint32_t available = 0;  // of them: initialised, busy or not
    bool reached = false;         // all that were ordered were available, once
    std::string failure;          // why they cannot be had, in Lambda's words; empty: nothing speaks against it
};

class Invoker {
public:
    virtual ~Invoker() = default;
    // `done` runs exactly once, later or at once.
    virtual void invoke(InvokeRequest request, std::function<void(InvokeResult)> done) = 0;
    // No new invocation will use this snapshot: warm sandboxes go now, busy ones when they finish.
    virtual void retire(const FunctionVersion& function) = 0;
    // Takes the place of an earlier order for that version and qualifier. Those that keep none ahead need not.
    virtual void keep_warm(WarmOrder) {}
    [[nodiscard]] virtual WarmState warm_state(const FunctionVersion&, const std::string& /*qualifier*/) const { return {}; }
};

}  // namespace autotune::host
