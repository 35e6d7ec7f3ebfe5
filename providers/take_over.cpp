#include "providers/take_over.hpp"

#include "providers/lease.hpp"
#include "providers/tuning.hpp"

namespace autotune {

bool is_whole(const FunctionState& state, const Routing* alias) {
    if (alias == nullptr || alias->stable == "$LATEST") return true;
    if (alias->candidate) return false;
    const auto serving = state.builds.find(alias->stable);
    return serving == state.builds.end() || same_tuning(serving->second.tuned, state.head.tuned);
}

ChangeRecord take_over_record(const FunctionState& state, const Routing& alias, const std::string& who) {
    const auto lease = lease_from(state.lease);
    ChangeRecord record;
    record.action.target = state.function;
    record.action.change = TakeOver{.from = lease ? lease->owner : "another agent", .left = state.head.tuned};
    record.action.rule = "lease";
    record.action.because = who + ", and has not renewed its lease since: it seems to be dead";
    record.action.predicted = "as version " + alias.stable + ", which served before";
    record.action.mode = Mode::apply;
    record.action.canary = CanaryPolicy{.weight = alias.weight};
    record.before = {.alias = alias.alias, .stable = alias.stable, .candidate = std::nullopt, .weight = 0, .etag = alias.etag};
    const auto serving = state.builds.find(alias.stable);
    record.before_head = serving == state.builds.end() ? state.head.tuned : serving->second.tuned;
    record.candidate = alias.candidate.value_or("");
    record.step = Step::reverting;
    record.disposition = Disposition::reverted;
    record.detail = record.action.because;
    return record;
}

}  // namespace autotune
