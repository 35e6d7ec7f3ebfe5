#include "core/knowledge_store.hpp"

#include <array>

namespace autotune {

namespace {
constexpr std::array<std::string_view, 11> kNames{"waiting",    "intended",  "configuring", "configured",
                                                  "publishing", "published", "routing",     "observing",
                                                  "promoting",  "reverting", "closed"};
}

std::string_view to_string(Step s) { return kNames[static_cast<std::size_t>(s)]; }

std::optional<Step> step_from(std::string_view name) {
    for (std::size_t i = 0; i < kNames.size(); ++i)
        if (kNames[i] == name) return static_cast<Step>(i);
    return std::nullopt;
}

}  // namespace autotune
