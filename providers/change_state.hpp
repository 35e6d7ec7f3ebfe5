// What the platform shows of a change: whether a step was done, whether the function is still as this
// change left it. Pure. For this room only.
//
// Compared are contents, not etags: they survive a crash of whoever read them, and publishing gives
// Lambda's head a new etag.
#pragma once

#include <cstdint>

#include "core/function.hpp"
#include "core/knowledge_store.hpp"

namespace autotune {

enum class Found : std::uint8_t {
    not_done,  // as it was before the step
    done,      // as the step leaves it
    busy,      // an update is under way: look again later
    foreign,   // neither: somebody else was here
};

// REQUIRES of all: record.action.change is a Resize.
[[nodiscard]] const Resize& resize_of(const ChangeRecord& record);
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
