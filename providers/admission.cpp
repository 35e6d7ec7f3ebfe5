#include "providers/admission.hpp"

#include <algorithm>
#include <fstream>

#include "providers/change_state.hpp"
#include "providers/setting.hpp"
#include "providers/tuning.hpp"

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

// The limits are Lambda's: five layers, 4 KiB of variables.
constexpr std::size_t kMostLayers = 5, kMostVariables = 4096;

Status admit_wrap(const Wrap& wrap, const FunctionState& state, const Capabilities& platform) {
    if (!platform.layers)
        return fail(Errc::unsupported, "the platform cannot lay the wrapper's files beside a function's own");
    if (wrap.layer.empty()) return fail(Errc::unsupported, "this program carries no wrapper");
    if (wrap.handler.empty())
        return fail(Errc::unsupported, "the wrapper is for Python 3 and Node.js, the function runs on " +
                                           (state.config.runtime.empty() ? "a container's" : state.config.runtime));
    const auto to = tuned(wrap, state.head.tuned, wrap.layer);
    if (!to) return to.forward();
    if (same_tuning(*to, state.head.tuned))
        return fail(Errc::invalid_argument, "the function's unpublished head has that already");
    if (to->layers.size() > kMostLayers)
        return fail(Errc::invalid_argument, "it has five layers already, which is the most");
    std::size_t variables = to->remedy.size() + kRemedyVariable.size();
    for (const auto& [name, value] : state.config.environment)
        if (name != kRemedyVariable) variables += name.size() + value.size();
    if (variables > kMostVariables)
        return fail(Errc::invalid_argument, "its variables leave no room for what the wrapper must be told");
    return ok();
}

Status admit_code(const Deploy& deploy, const FunctionState& state) {
    if (deploy.code_hash == state.head.tuned.code_hash)
        return fail(Errc::invalid_argument, "the function's unpublished head has that code already");
    const Tuning& head = state.head.tuned;
    if (deploy.made_of && (deploy.made_of->code_hash != head.code_hash || deploy.made_of->handler != head.handler))
        return fail(Errc::invalid_argument, "the package was made of code that the function has no more: other code was deployed since");
    if (!std::ifstream(deploy.package)) return fail(Errc::invalid_argument, "the package " + deploy.package + " cannot be read");
    return ok();
}

// What a canary publishes is the head; work that nobody published yet must not be served by it.
Status admit_head(const FunctionState& state, const Version& serving) {
    const auto served = state.builds.find(serving);
    if (state.update_in_progress)
        return fail(Errc::conflict, "an update of the function is in progress");
    if (served == state.builds.end()) return ok();
    if (served->second.tuned.memory_mb != state.head.tuned.memory_mb)
        return fail(Errc::invalid_argument, "the unpublished head has " + mb(state.head.tuned.memory_mb) +
                                                ", but version " + serving + ", which serves, has " +
                                                mb(served->second.tuned.memory_mb));
    if (served->second.rest != state.head.rest || !same_tuning(served->second.tuned, state.head.tuned))
        return fail(Errc::invalid_argument, "the head has unpublished changes since version " + serving +
                                                ", which serves; a canary would publish them");
    return ok();
}
}  // namespace

Status admit_keep_warm(const KeepWarm& keep, const Routing* alias, const std::optional<std::uint32_t>& now) {
    if (alias == nullptr || alias->alias != keep.alias)
        return fail(Errc::invalid_argument, "there is no alias to keep environments for: callers must use one, for instance \"live\"");
    if (alias->stable == "$LATEST")
        return fail(Errc::invalid_argument, "alias \"" + alias->alias + "\" serves the unpublished head, for which nothing can be kept warm");
    if (alias->candidate)
        return fail(Errc::invalid_argument, "alias \"" + alias->alias + "\" is split, between versions " + alias->stable + " and " +
                                                *alias->candidate + ": environments are ordered for one version");
    return admit_setting(keep, now);
}

Status admit_reserve(const Reserve& reserve, const std::optional<std::uint32_t>& now, const Capabilities& platform) {
    if (!platform.concurrency) return fail(Errc::unsupported, "the platform reserves no concurrency");
    return admit_setting(reserve, now);
}

Status admit_undo(const ChangeRecord& done, const std::optional<std::uint32_t>& now) {
    if (done.disposition != Disposition::promoted)
        return fail(Errc::invalid_argument, "there is nothing to roll back: it was " + std::string(to_string(done.disposition)));
    return admit_undo_setting(done.action.change, now);
}

const Routing* choose_alias(const FunctionState& state, const std::string& wanted) {
    if (!wanted.empty()) return find_alias(state, wanted);
    return state.aliases.size() == 1 ? &state.aliases.front() : find_alias(state, "live");
}

Status admit_undo(const ChangeRecord& done, const FunctionState& state) {
    if (done.disposition != Disposition::promoted)
        return fail(Errc::invalid_argument, "there is nothing to roll back: it was " + std::string(to_string(done.disposition)));
    if (state.update_in_progress) return fail(Errc::conflict, "an update of the function is in progress");
    const Routing* alias = find_alias(state, done.before.alias);
    if (alias == nullptr) return fail(Errc::invalid_argument, "alias \"" + done.before.alias + "\" is gone");
    if (!same_split(*alias, promoted_split(done)))
        return fail(Errc::invalid_argument, "alias \"" + alias->alias + "\" serves version " + alias->stable +
                                                (alias->candidate ? " and version " + *alias->candidate : "") +
                                                " by now, and not only version " + done.candidate +
                                                ", which it made: what came after it comes first");
    const auto& versions = state.versions;
    if (std::find(versions.begin(), versions.end(), done.before.stable) == versions.end())
        return fail(Errc::invalid_argument, "version " + done.before.stable + ", which served before it, is gone");
    return ok();
}

Status admit(const Action& action, const FunctionState& state, const Routing* alias,
             const Capabilities& platform) {
    if (!platform.versions || !platform.weighted_routing)
        return fail(Errc::unsupported,
                    "the platform cannot send a share of the calls to one version, so there is no canary");
    if (!action.canary) return fail(Errc::invalid_argument, "a change needs a canary policy to be proved by");
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
    const auto* resize = std::get_if<Resize>(&action.change);
    const auto* wrap = std::get_if<Wrap>(&action.change);
    const Status possible = resize != nullptr ? admit_size(*resize, state, platform)
                            : wrap != nullptr ? admit_wrap(*wrap, state, platform)
                                              : admit_code(std::get<Deploy>(action.change), state);
    if (!possible) return possible;
    return admit_head(state, alias->stable);
}

}  // namespace autotune
