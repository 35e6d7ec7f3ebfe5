// unxz: the bytes of an .xz file, as .gnu_debugdata holds one. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace autotune::symbols {

struct XzLimits {
    std::size_t output = 64u << 20;
    std::size_t memory = 40u << 20;  // of the decoder; 33 MiB are enough for xz -8
};

// Errors: corrupt, resource_exhausted (beyond a limit).
[[nodiscard]] Result<std::string> unxz(std::string_view bytes, const XzLimits& limits = {});

}  // namespace autotune::symbols
