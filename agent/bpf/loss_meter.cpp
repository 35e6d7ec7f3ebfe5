#include "agent/bpf/loss_meter.hpp"

#include <cstddef>
#include <numeric>

namespace autotune {

std::vector<Lost> LossMeter::update(std::span<const at_counts> per_cpu) {
    constexpr std::array kinds{LossKind::ring_full, LossKind::state_map_full, LossKind::read_failed, LossKind::shed};
    std::array<std::uint64_t, kinds.size()> now{};
    attempted_ = 0;
    for (const at_counts& c : per_cpu) {
        attempted_ = std::accumulate(std::begin(c.attempted), std::end(c.attempted), attempted_);
        now[0] = std::accumulate(std::begin(c.ring_full), std::end(c.ring_full), now[0]);
        now[1] += c.state_full;
        now[2] += c.read_failed;
        now[3] += c.shed;
    }
    std::vector<Lost> lost;
    for (std::size_t i = 0; i < kinds.size(); ++i)
        if (now[i] > seen_[i]) lost.push_back({.kind = kinds[i], .count = now[i] - seen_[i]});
    seen_ = now;
    return lost;
}

}  // namespace autotune
