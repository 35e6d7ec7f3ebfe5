#include "core/plan.hpp"

namespace autotune {

std::string_view to_string(Mode m) { return m == Mode::apply ? "apply" : "dry-run"; }

std::string_view to_string(Severity s) {
    switch (s) {
        case Severity::info: return "info";
        case Severity::warning: return "warning";
        case Severity::critical: return "critical";
    }
    return "unknown";
}

std::string_view to_string(Disposition d) {
    switch (d) {
        case Disposition::planned: return "planned";
        case Disposition::refused: return "refused";
        case Disposition::in_progress: return "in-progress";
        case Disposition::promoted: return "promoted";
        case Disposition::rolled_back: return "rolled-back";
        case Disposition::reverted: return "reverted";
        case Disposition::notified: return "notified";
        case Disposition::failed: return "failed";
        case Disposition::waiting: return "waiting";
    }
    return "unknown";
}

std::string_view to_string(JudgeReport::Decision d) {
    switch (d) {
        case JudgeReport::Decision::waiting: return "waiting";
        case JudgeReport::Decision::promote: return "promote";
        case JudgeReport::Decision::rollback: return "rollback";
        case JudgeReport::Decision::hold: return "hold";
    }
    return "unknown";
}

namespace {
struct Describer {
    static std::string told(const std::optional<std::uint32_t>& n) { return n ? std::to_string(*n) : "none"; }
    std::string operator()(const Resize& r) const {
        return "resize " + std::to_string(r.from_mb) + " MB → " + std::to_string(r.to_mb) + " MB";
    }
    std::string operator()(const Wrap& w) const {
        return w.settings.empty() ? "take off " + w.remedy : w.words.empty() ? w.remedy : w.words;
    }
    std::string operator()(const Deploy& d) const { return d.remedy.empty() ? "deploy " + d.words : d.words; }
    std::string operator()(const TakeOver& t) const { return "put back what " + t.from + " left"; }
    std::string operator()(const Reserve& r) const {
        return "reserved concurrency " + told(r.from) + " → " + told(r.to);
    }
    std::string operator()(const KeepWarm& k) const { return "kept warm " + told(k.from) + " → " + told(k.to); }
    std::string operator()(const Notify& n) const {
        return n.suggest.empty() ? "notify" : "notify: consider " + n.suggest;
    }
};
}  // namespace

std::string describe(const Change& change) { return std::visit(Describer{}, change); }

std::optional<Setting> setting_of(const Change& change) {
    if (const auto* r = std::get_if<Reserve>(&change)) return Setting{r->from, r->to, r->before, "refused"};
    if (const auto* k = std::get_if<KeepWarm>(&change)) return Setting{k->from, k->to, k->before, "cold"};
    return std::nullopt;
}

std::string_view kind_of(const Change& change) {
    if (const auto* wrap = std::get_if<Wrap>(&change)) return wrap->remedy;
    if (const auto* deploy = std::get_if<Deploy>(&change)) return deploy->remedy.empty() ? "deploy" : "recluster";
    if (std::holds_alternative<TakeOver>(change)) return "take-over";
    if (std::holds_alternative<Reserve>(change)) return "concurrency";
    if (std::holds_alternative<KeepWarm>(change)) return "keep_warm";
    return std::holds_alternative<Resize>(change) ? "resize" : "notify";
}

}  // namespace autotune
