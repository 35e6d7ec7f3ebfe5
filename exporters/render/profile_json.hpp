// A profile as one JSON object, for programs: the functions with their own and total weights, and every
// stack.
#pragma once

#include <string>

#include "core/profile.hpp"

namespace autotune::render {

// Pure. {"title", "unit": "ns"|"bytes"|"count", "measure", "period", "total", "truncated",
//  "functions": [{"name", "file", "line", "module", "runtime", "self", "total"}], the heaviest own weight
//  first; in
//    recursion the total counts once; what is not known is left out,
//  "stacks": [{"frames": [names, root first], "weight"}]}.
// Of a comparison: "total_before", and "before" beside each weight of a stack.
[[nodiscard]] std::string profile_json(const Profile& profile);

}  // namespace autotune::render
