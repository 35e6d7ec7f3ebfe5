// A weight of a profile, for people.
#pragma once

#include <string>

#include "core/profile.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

[[nodiscard]] inline std::string human_amount(ProfileUnit unit, std::uint64_t weight) {
    switch (unit) {
        case ProfileUnit::nanoseconds: return human_duration(static_cast<double>(weight) / 1e9);
        case ProfileUnit::bytes: return human_bytes(static_cast<double>(weight));
        case ProfileUnit::count: break;
    }
    return std::to_string(weight);
}

}  // namespace autotune::render
