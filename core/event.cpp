#include "core/event.hpp"

#include <array>

namespace autotune {

std::string_view to_string(LossKind kind) {
    static constexpr std::array<std::string_view, kLossKindCount> kNames{
        "ring_full", "stack_map_full", "state_map_full", "read_failed", "undecodable", "shed"};
    const auto at = static_cast<std::size_t>(kind);
    return at < kNames.size() ? kNames[at] : "unknown";
}

}  // namespace autotune
