// Actions, judge reports and pre-images as JSON text: how the store keeps them, and what `--json` shows of them.
//
// Times are integers of nanoseconds, sizes megabytes, numbers round-trip exactly (an infinite E value
// is the string "inf"). Bytes that are not UTF-8 become U+FFFD. Unknown keys are ignored, so a newer
// autotune's text can be read; missing ones are an error.
#pragma once

#include <string>
#include <string_view>

#include "core/plan.hpp"
#include "core/result.hpp"

namespace autotune {

[[nodiscard]] std::string to_json(const Action& action);
[[nodiscard]] std::string to_json(const JudgeReport& report);
[[nodiscard]] std::string to_json(const Tuning& tuning);

// Errors: corrupt.
Result<Action> action_from_json(std::string_view text);
Result<JudgeReport> judge_report_from_json(std::string_view text);
Result<Tuning> tuning_from_json(std::string_view text);

}  // namespace autotune
