// The wrapper that this program carries, as the layer that functions get (runtimes/remedy.hpp).
#pragma once

#include "core/function.hpp"

namespace autotune::cli {

[[nodiscard]] Layer remedy_layer();

}  // namespace autotune::cli
