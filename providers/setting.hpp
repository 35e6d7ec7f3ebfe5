// A change of no version, as the platform has it: one number, or none. For this room only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/plan.hpp"
#include "core/provider.hpp"
#include "core/result.hpp"

namespace autotune {

struct SettingSeen {
    std::optional<std::uint32_t> number;
    bool may_take_time = false;  // until what is set is so
    bool ready = true;           // what is set is so
    std::string failed;          // why it never will be, ""
};

// REQUIRES: setting_of(action.change).
Result<SettingSeen> read_setting(Provider& provider, const Action& action);
Status write_setting(Provider& provider, const Action& action, std::optional<std::uint32_t> number);

// "reserved 9 for the function", "keeps 9 warm": what somebody else did.
[[nodiscard]] std::string told_setting(const Change& change, const std::optional<std::uint32_t>& number);
// "9 is reserved by now, and was left so".
[[nodiscard]] std::string left_setting(const Change& change, const std::optional<std::uint32_t>& number);

// Whether it may be set, or taken back, where it is `now`: ok, or the reason for people (providers/admission.hpp).
[[nodiscard]] Status admit_setting(const Change& change, const std::optional<std::uint32_t>& now);
[[nodiscard]] Status admit_undo_setting(const Change& done, const std::optional<std::uint32_t>& now);

}  // namespace autotune
