// Reads invocations, one JSON object a line:
//
//   {"trace","id","parent","function","memory_mb","start_ms","end_ms","billed_ms","cold",
//    "calls":[{"callee","callee_id","start_ms","duration_ms","sync","local"}]}
//
// and, where they are known, "peak_mb", "timeout_ms" and "cpu_ms" (on a CPU, or waiting for one).
//
// `parent` and `callee_id` may be null; `parent`, `cold`, `calls`, `callee_id` and `local` need not be there; other
// keys are passed over, and so are empty lines. Lines of a trace may be anywhere in the file.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "core/result.hpp"
#include "rules/recluster/log.hpp"

namespace autotune::rules {

class ReplayReader {
public:
    // Text in pieces of any size. Errors: invalid_argument, "line:column: what"; after one nothing more is read.
    [[nodiscard]] Status feed(std::string_view piece);
    // A last line without an end, then the log, not linked. An error where there was no invocation at all.
    [[nodiscard]] Result<CallLog> finish();

private:
    Status line(std::string_view text);

    CallLog log_;
    std::unordered_map<std::string, std::size_t> traces_;
    std::string rest_;
    Status state_;
    std::uint32_t line_ = 0;
};

}  // namespace autotune::rules
