// What the platform shows of a change: whether a step was done, whether the function is still as this
// change left it. Pure. For this room only.
//
// Compared are contents, not etags: they survive a crash of whoever read them, and publishing gives
// Lambda's head a new etag.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/function.hpp"
#include "core/knowledge_store.hpp"

namespace autotune {

enum class Found : std::uint8_t {
    not_done,  // as it was before the step
    done,      // as the step leaves it
    busy,      // an update is under way: look again later
    foreign,   // neither: somebody else was here
};

// REQUIRES of all: record.action.change changes the function.
// How the change leaves the head, as far as autotune may change it. `layer`: ARN of the wrapper's layer; "": its name.
// A change that was admitted has one; else it is as it was.
[[nodiscard]] Tuning tuned_by(const ChangeRecord& record, std::string_view layer = "");
[[nodiscard]] Found find_configured(const ChangeRecord& record, const FunctionState& now);
// done: the newest version is the candidate.
[[nodiscard]] Found find_published(const ChangeRecord& record, const FunctionState& now);
[[nodiscard]] Found find_routed(const ChangeRecord& record, const FunctionState& now);
[[nodiscard]] Found find_promoted(const ChangeRecord& record, const FunctionState& now);

// The alias during the canary and after its promotion; without etag.
[[nodiscard]] Routing canary_split(const ChangeRecord& record);
[[nodiscard]] Routing promoted_split(const ChangeRecord& record);

// Platforms may round weights.
[[nodiscard]] bool same_split(const Routing& a, const Routing& b);
// nullptr when there is none of that name.
[[nodiscard]] const Routing* find_alias(const FunctionState& state, std::string_view name);

}  // namespace autotune
