// System calls of one number that were counted of one process so far.
#pragma once

#include <cstdint>

#include "core/ids.hpp"

namespace autotune {

struct CallCount {
    ProcessId process;
    CgroupId scope{};
    std::uint32_t number = 0;
    std::uint64_t calls = 0;
    std::uint64_t failures = 0;
};

}  // namespace autotune
