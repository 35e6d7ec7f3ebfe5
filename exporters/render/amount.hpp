// A weight of a profile, for people.
#pragma once

#include <string>
#include <string_view>

#include "core/profile.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

// For machines: "ns", "bytes", "count".
[[nodiscard]] inline std::string_view unit_name(ProfileUnit unit) {
    switch (unit) {
        case ProfileUnit::nanoseconds: return "ns";
        case ProfileUnit::bytes: return "bytes";
        case ProfileUnit::count: break;
    }
    return "count";
}

[[nodiscard]] inline std::string human_amount(ProfileUnit unit, std::uint64_t weight) {
    switch (unit) {
        case ProfileUnit::nanoseconds: return human_duration(static_cast<double>(weight) / 1e9);
        case ProfileUnit::bytes: return human_bytes(static_cast<double>(weight));
        case ProfileUnit::count: break;
    }
    return std::to_string(weight);
}

// The same with what it is where the unit does not tell: "42 samples".
[[nodiscard]] inline std::string human_amount(const Profile& profile, std::uint64_t weight) {
    const std::string amount = human_amount(profile.unit, weight);
    return profile.unit == ProfileUnit::count ? amount + " " + profile.measure : amount;
}

// "1.25 s cpu", "42 samples": of a whole profile.
[[nodiscard]] inline std::string human_total(const Profile& profile, std::uint64_t weight) {
    return human_amount(profile.unit, weight) + " " + profile.measure;
}

}  // namespace autotune::render
