// Which memory size a function should get: after out-of-memory kills, and after timeouts.
//
// Out of memory: max(used + 100 MiB, 1.2 × used), rounded up to the platform's step (as the vertical
// pod autoscaler). The observation is censored, the kill says only that more than the limit was
// needed, so attempts are counted and each goes beyond the last.
// Timeout: more memory buys more CPU, and only CPU; so only if the predicted p99 at the new size is
// below 0.8 × the time limit. Where killed calls hide their work the prediction is a lower bound, the
// size at least doubles, and the canary decides. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/facts.hpp"
#include "core/function.hpp"
#include "core/plan.hpp"
#include "core/result.hpp"
#include "rules/rule_set.hpp"

namespace autotune::rules {

// What this rule tried on this function before, within kBumpMemory.
struct Attempts {
    std::uint32_t count = 0;
    std::uint32_t largest_unproven_mb = 0;  // rolled back or reverted; 0: none
    std::map<std::string, Disposition> wraps;  // by remedy, what became of the last one
    std::map<std::string, Disposition> reclusterings;  // by op, likewise
    std::uint32_t largest_unproven_reservation = 0;  // rolled back or reverted; 0: none
    std::uint32_t largest_unproven_warm = 0;         // likewise of environments kept warm
};

struct SizingTask {
    const FunctionFacts& facts;
    const Capabilities& platform;
    ResizeStep step;
    Attempts attempts;
    std::optional<double> max_cost_increase_pct;
    const Tariff* platform_tariff = nullptr;  // by whose prices its calls are billed where the step names none; null: time × memory
};

struct Sizing {
    Resize resize;
    std::string because;    // for people
    std::string predicted;  // "no out-of-memory kills at 228 MB"
};

// The size, or Errc::unsupported with the reason why no size would help.
[[nodiscard]] Result<Sizing> choose_size(const SizingTask& task);

}  // namespace autotune::rules
