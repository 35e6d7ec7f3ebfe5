// From the processes of a Detail to thread groups: those that are asked for, and those of them that are new.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/result.hpp"
#include "os/procfs.hpp"

namespace autotune {

struct ProcessScope {
    std::vector<std::int32_t> all;
    std::vector<std::int32_t> fresh;  // not of `known`
};

// `wanted` may name threads. What is `known` already may have ended meanwhile: it is not asked for again.
// Errors: not_found with the pid.
[[nodiscard]] Result<ProcessScope> find_processes(const Procfs& proc, std::span<const std::int32_t> wanted,
                                                  std::span<const std::int32_t> known);

}  // namespace autotune
