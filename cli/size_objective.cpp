#include "cli/size_objective.hpp"

#include <array>
#include <charconv>
#include <string>
#include <system_error>
#include <utility>

namespace autotune::cli {

using namespace rules::sizing;

namespace {

std::optional<double> number_from(std::string_view text, double least, double most) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole && value >= least && value <= most ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<Objective> objective_of(std::string_view text) {
    constexpr std::string_view kBalanced = "balanced:", kFastest = "fastest-within:";
    if (text == "cost") return Objective{};
    if (text.starts_with(kBalanced))
        if (const auto weight = number_from(text.substr(kBalanced.size()), 0, 1))
            return Objective{Goal::balanced, *weight};
    if (text.starts_with(kFastest))
        if (const auto percent = number_from(text.substr(kFastest.size()), 0, 1e6))
            return Objective{Goal::fastest_within, *percent};
    // p95<=300ms, p99<=1.5s
    constexpr std::array kQuantiles{std::pair("p50<=", 0.0), std::pair("p90<=", 1.2816),
                                    std::pair("p95<=", 1.6449), std::pair("p99<=", 2.3263)};
    for (const auto& [start, z] : kQuantiles) {
        if (!text.starts_with(start)) continue;
        std::string_view limit = text.substr(std::string_view(start).size());
        const double unit = limit.ends_with("ms") ? 1 : 1000;
        if (!limit.ends_with("s")) break;
        limit.remove_suffix(unit == 1 ? 2 : 1);
        if (const auto value = number_from(limit, 0, 1e9); value && *value > 0)
            return Objective{Goal::slo, *value * unit, z};
    }
    return std::nullopt;
}

}  // namespace autotune::cli
