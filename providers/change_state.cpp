#include "providers/change_state.hpp"

#include <algorithm>
#include <cmath>

#include "providers/tuning.hpp"

namespace autotune {

namespace {
// Code and configuration, but for what changes may change, as in the version that serves. True where the platform
// does not tell.
bool head_is_as_served(const ChangeRecord& record, const FunctionState& now) {
    const auto served = now.builds.find(record.before.stable);
    return served == now.builds.end() || served->second.rest == now.head.rest;
}

Found find_split(const ChangeRecord& record, const FunctionState& now, const Routing& before,
                 const Routing& after) {
    const Routing* alias = find_alias(now, record.before.alias);
    if (alias == nullptr) return Found::foreign;
    if (same_split(*alias, after)) return Found::done;
    return same_split(*alias, before) ? Found::not_done : Found::foreign;
}
}  // namespace

Tuning tuned_by(const ChangeRecord& record, std::string_view layer) {
    const auto* wrap = std::get_if<Wrap>(&record.action.change);
    return tuned(record.action.change, record.before_head, wrap != nullptr && layer.empty() ? wrap->layer : layer)
        .value_or(record.before_head);
}

Found find_configured(const ChangeRecord& record, const FunctionState& now) {
    if (now.update_in_progress) return Found::busy;
    if (!head_is_as_served(record, now)) return Found::foreign;
    if (same_tuning(now.head.tuned, tuned_by(record))) return Found::done;
    return same_tuning(now.head.tuned, record.before_head) ? Found::not_done : Found::foreign;
}

Found find_published(const ChangeRecord& record, const FunctionState& now) {
    const Found configured = find_configured(record, now);
    if (configured != Found::done) return configured == Found::busy ? Found::busy : Found::foreign;
    if (now.versions.empty() || now.versions.back() == record.before.stable) return Found::not_done;
    const auto newest = now.builds.find(now.versions.back());
    const bool is_head = newest != now.builds.end() && newest->second == now.head;
    return is_head ? Found::done : Found::not_done;
}

Found find_routed(const ChangeRecord& record, const FunctionState& now) {
    return find_split(record, now, record.before, canary_split(record));
}

Found find_promoted(const ChangeRecord& record, const FunctionState& now) {
    return find_split(record, now, canary_split(record), promoted_split(record));
}

Routing canary_split(const ChangeRecord& record) {
    return {.alias = record.before.alias,
            .stable = record.before.stable,
            .candidate = record.candidate,
            .weight = record.action.canary ? record.action.canary->weight : 0,
            .etag = {}};
}

Routing promoted_split(const ChangeRecord& record) {
    return {.alias = record.before.alias,
            .stable = record.candidate,
            .candidate = std::nullopt,
            .weight = 0,
            .etag = {}};
}

bool same_split(const Routing& a, const Routing& b) {
    constexpr double kRounding = 1e-4;
    return a.alias == b.alias && a.stable == b.stable && a.candidate == b.candidate &&
           std::abs(a.weight - b.weight) < kRounding;
}

const Routing* find_alias(const FunctionState& state, std::string_view name) {
    const auto at = std::find_if(state.aliases.begin(), state.aliases.end(),
                                 [&](const Routing& r) { return r.alias == name; });
    return at == state.aliases.end() ? nullptr : &*at;
}

}  // namespace autotune
