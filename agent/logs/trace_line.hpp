// One line of what Snafu's executor python3trace writes to trace_log-FUNCTION-yymmdd-HHMM-xxxxxxxx.log. Pure.
//
// A function is told as FILE.NAME; names of functions hold no dot, so the last one divides.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/endpoint.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace autotune::logs {

struct TracedFunction {
    std::string file;
    std::string name;
    bool operator==(const TracedFunction&) const = default;
};

struct CallLine {
    TracedFunction function;
};
struct ReturnLine {
    TracedFunction function;
    Nanos duration{0};
};
struct ExceptionLine {  // seen in that function, which may handle it
    TracedFunction function;
};
struct FileLine {
    bool is_opened = false;  // else closed
    std::string path;
};
struct ConnectionLine {
    bool is_opened = false;
    Endpoint local;
    Endpoint peer;  // port 0: Snafu writes the local one in its place
};
struct PerformanceLine {  // shares of the whole machine, which the log does not tell the size of
    double cpu_percent = 0;
    double memory_percent = 0;
};
using TraceLine = std::variant<CallLine, ReturnLine, ExceptionLine, FileLine, ConnectionLine, PerformanceLine>;

// Errors: corrupt, what was expected.
[[nodiscard]] Result<TraceLine> parse_trace_line(std::string_view line);

// The function, the minute it began (local time, as broken down) and the eight hex digits.
struct TraceLogName {
    std::string function;
    std::string id;
    int year = 0, month = 0, day = 0, hour = 0, minute = 0;
};
[[nodiscard]] std::optional<TraceLogName> parse_trace_log_name(std::string_view file_name);

}  // namespace autotune::logs
