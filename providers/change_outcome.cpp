#include "providers/change_outcome.hpp"

#include <optional>
#include <utility>

#include "providers/change_state.hpp"
#include "providers/tuning.hpp"

namespace autotune {

namespace {
// The change that leaves the function as it was before. Not known for a remedy that was set before, to other values.
std::optional<Change> undo_of(const ChangeRecord& record) {
    if (const auto* resize = std::get_if<Resize>(&record.action.change))
        return Resize{.from_mb = resize->to_mb, .to_mb = record.before_head.memory_mb};
    if (const auto* reserve = std::get_if<Reserve>(&record.action.change))
        return Reserve{.from = reserve->to, .to = reserve->from, .before = {}};
    if (const auto* keep = std::get_if<KeepWarm>(&record.action.change))
        return KeepWarm{.alias = keep->alias, .from = keep->to, .to = keep->from, .before = {}};
    if (std::holds_alternative<Deploy>(record.action.change)) return std::nullopt;  // its code is in the version before
    if (!std::holds_alternative<Wrap>(record.action.change)) return std::nullopt;
    const auto& wrap = std::get<Wrap>(record.action.change);
    Change off = Wrap{.remedy = wrap.remedy, .settings = "", .words = "", .timeout = {}, .layer = wrap.layer, .handler = wrap.handler};
    const auto undone = tuned(off, tuned_by(record), wrap.layer);
    return undone && same_tuning(*undone, record.before_head) ? std::optional(std::move(off)) : std::nullopt;
}
}  // namespace

ChangeRecord undo_record(ChangeRecord record, const std::string& by) {
    const std::string id = std::to_string(static_cast<std::int64_t>(record.id));
    record.action.because = "change " + id + " " + by;
    record.action.predicted = "as before change " + id;
    record.action.evidence = {};
    record.action.approval_within.reset();
    record.id = {};
    record.step = Step::undoing;
    record.disposition = Disposition::rolled_back;
    record.judged.reset();
    record.detail = record.action.because;
    return record;
}

Outcome outcome_of(const ChangeRecord& record) {
    Outcome outcome{.action = record.action,
                    .at = record.updated,
                    .disposition = record.disposition,
                    .undo = {},
                    .judged = record.judged,
                    .candidate = record.candidate,
                    .candidate_published = record.candidate_published,
                    .detail = record.detail,
                    .change = static_cast<std::int64_t>(record.id)};
    if (record.disposition == Disposition::promoted) outcome.undo = undo_of(record);
    return outcome;
}

}  // namespace autotune
