#include "core/knowledge_store.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace autotune {

namespace {
constexpr std::array<std::string_view, 12> kNames{"waiting",    "intended",  "configuring", "configured",
                                                  "publishing", "published", "routing",     "observing",
                                                  "promoting",  "reverting", "undoing",     "closed"};
}

std::string_view to_string(Step s) { return kNames[static_cast<std::size_t>(s)]; }

std::optional<Step> step_from(std::string_view name) {
    for (std::size_t i = 0; i < kNames.size(); ++i)
        if (kNames[i] == name) return static_cast<Step>(i);
    return std::nullopt;
}

Result<ChangeRecord> KnowledgeStore::change(ChangeId id) {
    auto all = changes(std::numeric_limits<std::size_t>::max());
    if (!all) return all.forward();
    const auto found = std::find_if(all->begin(), all->end(), [&](const ChangeRecord& r) { return r.id == id; });
    if (found == all->end())
        return fail(Errc::not_found, "there is no change " + std::to_string(static_cast<std::int64_t>(id)));
    return std::move(*found);
}

Status KnowledgeStore::keep(std::span<const RefusalRecord>) { return ok(); }

Result<std::vector<RefusalRecord>> KnowledgeStore::refused(const RefusalQuery&) {
    return std::vector<RefusalRecord>();
}

}  // namespace autotune
