// What Lambda says of an invocation: the platform's log lines and the error objects that callers get.
// Pure text, as AWS writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"
#include "os/pidfd.hpp"

namespace autotune::host {

enum class Ending : std::uint8_t {
    response,        // the function answered
    error,           // the function reported an error
    too_large,       // its answer was over the limit
    timeout,         // killed at the deadline
    out_of_memory,   // the kernel killed a process of the sandbox
    exit,            // its runtime process ended
    init_error,      // its runtime reported that it could not start
    bad_entrypoint,  // there was nothing that could be executed
};

struct InvocationReport {
    std::string request_id;
    Ending ending = Ending::response;
    std::string error_type;  // "Runtime.OutOfMemory", …; empty where Lambda names none
    Nanos duration{0};
    Nanos held{0};  // for a debugger; not in duration
    std::optional<Nanos> init;  // of a cold start
    std::uint32_t memory_mb = 0;
    std::uint64_t peak_bytes = 0;
};

// Each with its newline.
[[nodiscard]] std::string start_line(std::string_view request_id, std::string_view version);
[[nodiscard]] std::string end_line(std::string_view request_id);
[[nodiscard]] std::string report_line(const InvocationReport& report);

enum class InitPhase : std::uint8_t {
    init,    // within the init limit, not on the invocation's clock
    invoke,  // a second try, on the invocation's clock
};
[[nodiscard]] std::string init_report_line(Nanos duration, InitPhase phase, Ending ending,
                                           std::string_view error_type);

// "2026-11-21T02:15:27.123Z <id> Task timed out after 3.00 seconds": log line (without newline) and
// errorMessage alike.
[[nodiscard]] std::string timeout_message(WallTime at, std::string_view request_id, Nanos timeout);
// "exit status 1", "signal: killed"; empty for exit 0.
[[nodiscard]] std::string describe(const ExitStatus& status);
// "RequestId: <id> Error: Runtime exited with error: exit status 1"
[[nodiscard]] std::string exit_message(std::string_view request_id, const ExitStatus& status);

// {"errorType":…,"errorMessage":…}; an empty type is left out, as in Lambda's timeouts.
[[nodiscard]] std::string error_object(std::string_view type, std::string_view message);

}  // namespace autotune::host
