// What functions cost at a memory that they had for a while: as they were measured then, each call rounded by itself.
//
// A what-if sets a service's memory; without this its calls are billed by their mean at that memory. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/measured_cost.hpp"

namespace autotune::analysis {

// Puts into `model`, which is `measured`'s but for what was said, the figures of each function whose memory is another now and on
// record; not of one whose duration was said. Gives a sentence for each: how much they rest on.
std::vector<std::string> take_measured(CostModel& model, const MeasuredCost& measured);

// The function's figures at the memory that `endpoint` is billed for; null: those of its own, or of none that is on record.
[[nodiscard]] const MeasuredMemory* other_memory(const MeasuredEndpoint& measured, const CostEndpoint& endpoint);

[[nodiscard]] CostSums sum_of(const std::vector<CostSums>& slices);
// In how many of the parts it was called.
[[nodiscard]] std::uint32_t filled(const std::vector<CostSums>& slices);

}  // namespace autotune::analysis
