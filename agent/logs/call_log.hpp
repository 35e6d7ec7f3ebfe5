// Snafu's call log: one line an execution, "source,function,milliseconds,True". Pure.
//
// Written without quotes, so a comma in the function's name is told apart by where the other fields are: the source
// is what is before the first, the duration and the outcome what is behind the last two.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "core/time.hpp"

namespace autotune::logs {

struct LoggedCall {
    std::string source;    // the file it was deployed with, "external:lambda"; often empty
    std::string function;
    Nanos duration{0};     // Snafu's -1 (not measured) is 0
    bool succeeded = false;
};

// Errors: corrupt, what is wrong with it.
[[nodiscard]] Result<LoggedCall> parse_call_line(std::string_view line);

// What both loggers write into their fields.
[[nodiscard]] Result<Nanos> duration_of(double milliseconds);
[[nodiscard]] Result<bool> outcome_of(std::string_view text);  // True, False, 1, 0

}  // namespace autotune::logs
