// LossMeter: the kernel side's counters, which only grow, to Lost events: what is new since the last look.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "bpf/wire.h"
#include "core/event.hpp"

namespace autotune {

class LossMeter {
public:
    // `per_cpu`: one at_counts a CPU. Returns what was lost since the last call, no zeros.
    [[nodiscard]] std::vector<Lost> update(std::span<const at_counts> per_cpu);
    [[nodiscard]] std::uint64_t attempted() const { return attempted_; }

private:
    std::array<std::uint64_t, 4> seen_{};
    std::uint64_t attempted_ = 0;
};

}  // namespace autotune
