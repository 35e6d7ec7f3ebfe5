#include "cli/group_fit.hpp"

#include <algorithm>

#include "providers/surroundings.hpp"

namespace autotune::cli {

Result<Version> version_to_take(const FunctionState& state, const std::string& alias) {
    if (state.update_in_progress) return fail(Errc::unsupported, "is being updated");
    const auto found = std::find_if(state.aliases.begin(), state.aliases.end(), [&](const Routing& r) { return r.alias == alias; });
    if (found == state.aliases.end()) return Version("$LATEST");
    if (found->candidate) return fail(Errc::unsupported, "is split between two versions, by its alias " + alias);
    const auto build = state.builds.find(found->stable);
    if (found->stable != "$LATEST" && build != state.builds.end() && !(build->second == state.head))
        return fail(Errc::unsupported, "has unpublished changes since version " + found->stable + ", which serves");
    return found->stable;
}

std::string misfit(const FunctionState& entry, const FunctionState& other) {
    const FunctionConfig& c = other.config;
    if (!c.runtime.starts_with("python3") && !c.runtime.starts_with("nodejs"))
        return "runs on " + (c.runtime.empty() ? "a container's" : c.runtime) + ": groups can be made of Python 3 and of Node.js only";
    if (!other.head.tuned.remedy.empty()) return "has a remedy put around it";
    for (const std::string& layer : c.layers)
        if (std::find(entry.config.layers.begin(), entry.config.layers.end(), layer) == entry.config.layers.end())
            return "has a layer that " + entry.function.name + " has not";
    if (const std::string what = other_surroundings(entry.head, other.head); !what.empty())
        return "has other " + what + " than " + entry.function.name;
    if (!c.environment_is_known || !entry.config.environment_is_known) return "has variables that may not be read";
    for (const auto& [name, value] : c.environment) {
        const auto own = entry.config.environment.find(name);
        if (own == entry.config.environment.end()) return "has a variable " + name + ", which " + entry.function.name + " has not";
        if (own->second != value) return "has another value of " + name + " than " + entry.function.name;
    }
    return "";
}

}  // namespace autotune::cli
