// A function of our own to put a uprobe on, and where it is.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.hpp"

namespace autotune::doctor {

// Does nothing; begins with a one-byte nop, the cheap kind of instruction to probe.
void probed_function();

struct ProbePlace {
    std::string file;          // that can be opened
    std::uint64_t offset = 0;  // in it
};
[[nodiscard]] Result<ProbePlace> probed_function_place();

}  // namespace autotune::doctor
