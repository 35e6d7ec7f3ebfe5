#include "cli/explanation.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/change_json.hpp"
#include "cli/map_state.hpp"

namespace autotune::cli {

namespace {

using Json = nlohmann::ordered_json;

class Lines {
public:
    // Several lines of `value` stand below each other, the label at the first only.
    void add(std::string_view label, const std::string& value) {
        std::istringstream lines(value);
        for (std::string line; std::getline(lines, line); label = {}) {
            char head[32];
            std::snprintf(head, sizeof head, "  %-10.*s ", static_cast<int>(label.size()), label.data());
            text_ += head + line + "\n";
        }
    }
    void title(const std::string& line) { text_ += line + "\n"; }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

std::string number(const char* form, double value) {
    char text[64];
    std::snprintf(text, sizeof text, form, value);
    return text;
}

std::string evidence_lines(const Evidence& e) {
    std::string out;
    for (const auto& [name, value] : e.facts) out += name + " = " + value + "\n";
    if (e.wall_to != WallTime{} && e.from < e.to)
        out += "from " + to_rfc3339(e.wall(e.from)) + " to " + to_rfc3339(e.wall_to) + "\n";
    if (e.kill_time && e.wall_to != WallTime{}) out += "killed at " + to_rfc3339(e.wall(*e.kill_time)) + "\n";
    if (!e.culprit.empty()) out += "it was at " + e.culprit + "\n";
    if (!e.black_box.empty()) out += "black box: autotune profile --black-box " + e.black_box + "\n";
    if (!e.differed.empty()) out += "the same input was answered otherwise by " + e.differed + "\n";
    if (!e.hottest_frame.empty()) out += "hottest frame: " + e.hottest_frame + "\n";
    if (!e.flame_graph.empty()) out += "flame graph: " + e.flame_graph + "\n";
    return out;
}

std::string measured_lines(const JudgeReport& r) {
    std::string out = std::to_string(r.pairs) + " pairs of calls compared";
    out += "\nfailed: new " + std::to_string(r.canary_failures) + " of " + std::to_string(r.canary_calls) +
           ", old " + std::to_string(r.baseline_failures) + " of " + std::to_string(r.baseline_calls);
    if (r.canary_p95 > Nanos(0) || r.baseline_p95 > Nanos(0))
        out += "\np95: new " + number("%.1f ms", to_ms(r.canary_p95)) + ", old " +
               number("%.1f ms", to_ms(r.baseline_p95));
    return out + "\n" + std::string(to_string(r.decision)) + (r.reason.empty() ? "" : ": " + r.reason);
}

std::string effect_lines(const JudgeReport& r, const Setting& setting) {
    return std::string(setting.bad) + ": since " + std::to_string(r.canary_failures) + " of " + std::to_string(r.canary_calls) + " calls, before " +
           std::to_string(r.baseline_failures) + " of " + std::to_string(r.baseline_calls) + "\n" +
           std::string(to_string(r.decision)) + (r.reason.empty() ? "" : ": " + r.reason);
}

std::string effect_line(const CanaryPolicy& p, const Setting& setting) {
    return "no version, so no canary: set for all calls; kept where fewer are " + std::string(setting.bad) + " than before, within " +
           number("%gh", to_seconds(p.horizon) / 3600) + ", else " +
           (p.on_hold == CanaryPolicy::OnHold::revert ? "taken back" : "waited for");
}

std::string canary_line(const CanaryPolicy& p) {
    return number("%g", p.weight * 100) + " % of the calls; slower by less than " +
           number("%g", p.latency_margin * 100) + " % and failing more often by less than " +
           number("%g", p.error_margin * 100) + " %, within " + number("%gh", to_seconds(p.horizon) / 3600) +
           ", else " + (p.on_hold == CanaryPolicy::OnHold::revert ? "revert" : "wait");
}

}  // namespace

std::string explanation_text(const Explanation& explanation) {
    const ChangeRecord& c = explanation.change;
    const Action& a = c.action;
    const bool closed = c.step == Step::closed;
    Lines out;
    out.title("#" + std::to_string(static_cast<std::int64_t>(c.id)) + "  " + a.target.name + "  " +
              describe(a.change) + ": " + std::string(closed ? to_string(c.disposition) : to_string(c.step)));
    out.add("rule", a.rule + (a.mode == Mode::dry_run ? " (dry-run)" : ""));
    out.add("because", a.because);
    out.add("evidence", evidence_lines(a.evidence));
    out.add("predicted", a.predicted);
    const auto setting = setting_of(a.change);
    if (c.judged) out.add("measured", setting ? effect_lines(*c.judged, *setting) : measured_lines(*c.judged));
    if (a.canary) out.add(setting ? "proof" : "canary", setting ? effect_line(*a.canary, *setting) : canary_line(*a.canary));
    if (!c.before.alias.empty())
        out.add("before", "alias " + c.before.alias + " on version " + c.before.stable + ", head " +
                              std::to_string(c.before_head.memory_mb) + " MB" +
                              (c.before_head.handler.empty() ? "" : ", handler " + c.before_head.handler));
    if (!c.candidate.empty())
        out.add("after", "version " + c.candidate + ", published " + to_rfc3339(c.candidate_published));
    out.add("detail", c.detail);
    std::string steps, others;
    for (const AuditRecord& s : explanation.steps)
        steps += to_rfc3339(s.at) + "  " + std::string(to_string(s.step)) +
                 (s.step == Step::closed ? " (" + std::string(to_string(s.disposition)) + ")" : "") + "\n";
    for (const ChangeRecord& o : explanation.not_chosen)
        others += "#" + std::to_string(static_cast<std::int64_t>(o.id)) + "  " + describe(o.action.change) +
                  ", by " + o.action.rule + ": " + o.detail + "\n";
    for (const RefusalRecord& r : explanation.refused)
        others += to_rfc3339(r.at) + "  " + (r.what.change.empty() ? "" : r.what.change + ", ") + "by " + r.what.rule + ": " +
                  r.what.reason + "\n";
    out.add("steps", steps);
    out.add("refused", others);
    out.add("runbook", a.runbook);
    return out.take();
}

std::string explanation_json(const Explanation& explanation) {
    Json json = Json::parse(change_json(explanation.change));
    const ChangeRecord& c = explanation.change;
    if (!c.before.alias.empty())
        json["before"] = {{"alias", c.before.alias},
                          {"version", c.before.stable},
                          {"memory_mb", c.before_head.memory_mb},
                          {"timeout_s", to_seconds(c.before_head.timeout)},
                          {"handler", c.before_head.handler},
                          {"layers", c.before_head.layers}};
    if (const auto machine = map_state_machine(c.action.change, c.action.target)) json["state_machine"] = Json::parse(*machine);
    json["runbook"] = c.action.runbook;
    json["steps"] = Json::array();
    for (const AuditRecord& s : explanation.steps)
        json["steps"].push_back({{"sequence", s.sequence},
                                 {"step", to_string(s.step)},
                                 {"disposition", to_string(s.disposition)},
                                 {"at", to_rfc3339(s.at)},
                                 {"detail", s.detail},
                                 {"hash", s.hash}});
    json["refused_beside"] = Json::array();
    for (const ChangeRecord& o : explanation.not_chosen)
        json["refused_beside"].push_back(Json::parse(change_json(o)));
    json["refusals"] = Json::array();
    for (const RefusalRecord& r : explanation.refused) json["refusals"].push_back(Json::parse(refusal_json(r)));
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace autotune::cli
