// Admission: whether a change may begin on a function as it is now. Pure. For this room only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/knowledge_store.hpp"
#include "core/plan.hpp"
#include "core/provider.hpp"
#include "core/result.hpp"
#include "providers/alias.hpp"

namespace autotune {

// Ok when `action`, which changes the function, may begin by steering `alias` (nullptr: none was found). Otherwise the error
// is for people: invalid_argument or unsupported, with a sentence that says why not; conflict when it may begin
// soon, after an update of the function that is under way.
[[nodiscard]] Status admit(const Action& action, const FunctionState& state, const Routing* alias,
                           const Capabilities& platform);

// Likewise of a reservation, and of environments for `alias`: `now` (unset: none).
[[nodiscard]] Status admit_reserve(const Reserve& reserve, const std::optional<std::uint32_t>& now, const Capabilities& platform);
[[nodiscard]] Status admit_keep_warm(const KeepWarm& keep, const Routing* alias, const std::optional<std::uint32_t>& now);
// REQUIRES: a change of no version.
[[nodiscard]] Status admit_undo(const ChangeRecord& done, const std::optional<std::uint32_t>& now);

// Ok when `done`, a change on record, may be taken back: it was promoted and nothing came after it. Errors as above.
[[nodiscard]] Status admit_undo(const ChangeRecord& done, const FunctionState& state);

}  // namespace autotune
