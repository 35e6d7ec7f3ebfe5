#include "providers/admission.hpp"

#include "providers/change_state.hpp"

namespace autotune {

namespace {
std::string mb(std::uint32_t size) { return std::to_string(size) + " MB"; }

Status admit_size(const Resize& resize, const FunctionState& state, const Capabilities& platform) {
    if (resize.to_mb == state.config.memory_mb)
        return fail(Errc::invalid_argument,
                    "the function's unpublished head has " + mb(resize.to_mb) + " already");
    if (platform.memory_max_mb != 0 &&
        (resize.to_mb < platform.memory_min_mb || resize.to_mb > platform.memory_max_mb))
        return fail(Errc::invalid_argument,
                    mb(resize.to_mb) + " is outside what the platform gives: " + mb(platform.memory_min_mb) +
                        " to " + mb(platform.memory_max_mb));
    if (platform.memory_step_mb > 1 && resize.to_mb % platform.memory_step_mb != 0)
        return fail(Errc::invalid_argument,
                    mb(resize.to_mb) + " is not a multiple of " + mb(platform.memory_step_mb));
    return ok();
}

// What a canary publishes is the head; work that nobody published yet must not be served by it.
Status admit_head(const FunctionState& state, const Version& serving) {
    const auto served = state.builds.find(serving);
    if (state.update_in_progress)
        return fail(Errc::conflict, "an update of the function is in progress");
    if (served == state.builds.end()) return ok();
    if (served->second.memory_mb != state.config.memory_mb)
        return fail(Errc::invalid_argument, "the unpublished head has " + mb(state.config.memory_mb) +
                                                ", but version " + serving + ", which serves, has " +
                                                mb(served->second.memory_mb));
    if (served->second.rest != state.head.rest)
        return fail(Errc::invalid_argument, "the head has unpublished changes since version " + serving +
                                                ", which serves; a canary would publish them");
    return ok();
}
}  // namespace

const Routing* choose_alias(const FunctionState& state, const std::string& wanted) {
    if (!wanted.empty()) return find_alias(state, wanted);
    return state.aliases.size() == 1 ? &state.aliases.front() : find_alias(state, "live");
}

Status admit(const Action& action, const FunctionState& state, const Routing* alias,
             const Capabilities& platform) {
    if (!platform.versions || !platform.weighted_routing)
        return fail(Errc::unsupported,
                    "the platform cannot send a share of the calls to one version, so there is no canary");
    if (!action.canary) return fail(Errc::invalid_argument, "a resize needs a canary policy to be proved by");
    const double weight = action.canary->weight;
    if (!(weight > 0 && weight < 1))
        return fail(Errc::invalid_argument,
                    "the canary's weight is " + std::to_string(weight) + ", which is not between 0 and 1");
    if (alias == nullptr)
        return fail(Errc::invalid_argument,
                    "there is no alias to split: callers must use one, for instance \"live\", for a canary");
    if (alias->candidate)
        return fail(Errc::invalid_argument, "alias \"" + alias->alias +
                                                "\" is split already, between versions " + alias->stable +
                                                " and " + *alias->candidate);
    if (alias->stable == "$LATEST")
        return fail(Errc::invalid_argument,
                    "alias \"" + alias->alias +
                        "\" serves the unpublished head, which cannot be one side of a split");
    if (const Status size = admit_size(std::get<Resize>(action.change), state, platform); !size) return size;
    return admit_head(state, alias->stable);
}

}  // namespace autotune
