// Whether the files that a trace is to write can be written: found out before anything is started.
#pragma once

#include "cli/trace_request.hpp"
#include "core/result.hpp"

namespace autotune::cli {

inline constexpr const char* kStandardOutput = "-";

// Something that was asked for goes there, and the report does not.
[[nodiscard]] bool standard_output_is_taken(const TraceRequest& request);

// Changes nothing. Errors: invalid_argument: no place for a file, or one file for two things, of which the recording that
// is read is one; or two things on standard output.
[[nodiscard]] Status check_outputs(const TraceRequest& request);

}  // namespace autotune::cli
