// What somebody may have meant who asked for a name that there is not. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::native {

// At most `most` of `names` that are like `wanted` (a few letters apart, or one holds the other), the nearest
// first; equal ones once.
[[nodiscard]] std::vector<std::string> nearest_names(std::string_view wanted,
                                                     const std::vector<std::string>& names,
                                                     std::size_t most = 3);

}  // namespace autotune::native
