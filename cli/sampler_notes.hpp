// What people should know of the names and stacks that a sampler gave: what was lost, refused, damaged or fetched.
#pragma once

#include <string>
#include <vector>

#include "agent/symbols/sampler_source.hpp"

namespace autotune::cli {

// A line each; nothing where all is well.
[[nodiscard]] std::vector<std::string> sampler_notes(const symbols::SamplerHealth& health);

}  // namespace autotune::cli
