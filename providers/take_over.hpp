// What an agent left half-way whose lease has expired, and the change that puts it back. Pure. For this room only.
//
// Nothing but the platform is needed for it: a change begins only where the head is as the version that serves, and the
// alias names that version until the change is promoted. So what must be put back is the alias, whole on the version that it
// names first, and the head, to that version's build. A version that nobody serves does no harm.
#pragma once

#include <string>

#include "core/function.hpp"
#include "core/knowledge_store.hpp"

namespace autotune {

// Neither is the alias split nor is the head another one than the version that serves. True where that cannot be known.
[[nodiscard]] bool is_whole(const FunctionState& state, const Routing* alias);

// `who`: a sentence about that agent. REQUIRES: the function is not whole.
[[nodiscard]] ChangeRecord take_over_record(const FunctionState& state, const Routing& alias, const std::string& who);

}  // namespace autotune
