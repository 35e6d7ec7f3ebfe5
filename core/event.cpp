#include "core/event.hpp"

#include <array>

namespace autotune {

std::string_view to_string(LossKind kind) {
    static constexpr std::array<std::string_view, kLossKindCount> kNames{
        "ring_full", "stack_map_full", "state_map_full", "read_failed", "undecodable", "shed"};
    const auto at = static_cast<std::size_t>(kind);
    return at < kNames.size() ? kNames[at] : "unknown";
}

std::string_view to_string(Boundary boundary) {
    static constexpr std::array<std::string_view, 3> kNames{"runtime-api", "openwhisk", "http"};
    const auto at = static_cast<std::size_t>(boundary);
    return at < kNames.size() ? kNames[at] : "unknown";
}

std::string_view to_string(WaitCause cause) {
    static constexpr std::array<std::string_view, kWaitCauseCount> kNames{
        "unknown", "network", "disk", "lock", "sleep", "child", "run_queue"};
    const auto at = static_cast<std::size_t>(cause);
    return at < kNames.size() ? kNames[at] : "unknown";
}

}  // namespace autotune
