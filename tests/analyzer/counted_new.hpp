// How often this program took memory. Linking counted_new.cpp replaces operator new; it is a file of its own
// so that no caller's optimiser sees through it.
#pragma once

#include <cstddef>

namespace autotune::testing {

[[nodiscard]] std::size_t allocations();

}  // namespace autotune::testing
