#include "providers/completion.hpp"

#include "providers/admission.hpp"
#include "providers/change_state.hpp"
#include "providers/setting.hpp"
#include "providers/tuning.hpp"

namespace autotune {

namespace {

Result<Completion> of_setting(Provider& provider, Action& action, const FunctionState& state, bool is_unplaced) {
    const auto now = read_setting(provider, action);
    if (!now && now.error().code == Errc::unsupported) return Completion{now.forward()};
    if (!now) return now.forward("before changing it");
    auto* keep = std::get_if<KeepWarm>(&action.change);
    if (keep == nullptr) return Completion{admit_reserve(std::get<Reserve>(action.change), now->number, provider.capabilities())};
    if (is_unplaced) keep->from = now->number;
    return Completion{admit_keep_warm(*keep, find_alias(state, keep->alias), now->number)};
}

}  // namespace

Result<Completion> complete(Provider& provider, Action& action, const FunctionState& state, const Routing* alias) {
    if (auto* wrap = std::get_if<Wrap>(&action.change)) wrap->handler = wrapper_handler(state.config.runtime);
    auto* keep = std::get_if<KeepWarm>(&action.change);
    const bool is_unplaced = keep != nullptr && keep->alias.empty();
    if (is_unplaced && alias != nullptr) keep->alias = alias->alias;
    if (keep != nullptr && !provider.capabilities().warm) return Completion{fail(Errc::unsupported, "the platform keeps no environments ready")};
    if (keep != nullptr && keep->alias.empty()) return Completion{admit_keep_warm(*keep, nullptr, std::nullopt)};
    if (setting_of(action.change)) return of_setting(provider, action, state, is_unplaced);
    return Completion{admit(action, state, alias, provider.capabilities()), alias != nullptr};
}

}  // namespace autotune
