#include "cli/change_json.hpp"

#include <nlohmann/json.hpp>

namespace autotune::cli {

namespace {

using Json = nlohmann::ordered_json;

Json judged_json(const JudgeReport& r) {
    return {{"decision", to_string(r.decision)},    {"pairs", r.pairs},
            {"canary_calls", r.canary_calls},       {"canary_failures", r.canary_failures},
            {"baseline_calls", r.baseline_calls},   {"baseline_failures", r.baseline_failures},
            {"log10_e_latency", r.log10_e_latency}, {"log10_e_errors", r.log10_e_errors},
            {"log10_e_harm", r.log10_e_harm},       {"baseline_p95_ms", to_ms(r.baseline_p95)},
            {"canary_p95_ms", to_ms(r.canary_p95)}, {"reason", r.reason}};
}

Json evidence_of(const Evidence& e) {
    Json facts = Json::object();
    for (const auto& [name, value] : e.facts) facts[name] = value;
    Json json{{"facts", facts}};
    if (e.kill_time) json["kill_time"] = to_rfc3339(e.wall(*e.kill_time));
    if (!e.hottest_frame.empty()) json["hottest_frame"] = e.hottest_frame;
    if (!e.flame_graph.empty()) json["flame_graph"] = e.flame_graph;
    if (!e.culprit.empty()) json["culprit"] = e.culprit;
    if (!e.black_box.empty()) json["black_box"] = e.black_box;
    if (!e.differed.empty()) json["differed"] = e.differed;
    return json;
}

Json json_of(const ChangeRecord& c) {
    Json json{{"id", static_cast<std::int64_t>(c.id)},
              {"function", c.action.target.name},
              {"rule", c.action.rule},
              {"change", describe(c.action.change)},
              {"step", to_string(c.step)},
              {"disposition", to_string(c.disposition)},
              {"opened", to_rfc3339(c.opened)},
              {"updated", to_rfc3339(c.updated)},
              {"because", c.action.because},
              {"predicted", c.action.predicted},
              {"evidence", evidence_of(c.action.evidence)},
              {"detail", c.detail}};
    if (!c.candidate.empty()) {
        json["candidate"] = c.candidate;
        json["published"] = to_rfc3339(c.candidate_published);
        json["replaces"] = c.before.stable;
    }
    if (c.judged) json["judged"] = judged_json(*c.judged);
    return json;
}

std::string line_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string evidence_json(const Evidence& evidence) { return line_of(evidence_of(evidence)); }

std::string refusal_json(const RefusalRecord& r) {
    return line_of({{"refused", true},
                    {"function", r.what.target.name},
                    {"rule", r.what.rule},
                    {"change", r.what.change},
                    {"reason", r.what.reason},
                    {"at", to_rfc3339(r.at)},
                    {"until", to_rfc3339(r.until)}});
}

std::string change_json(const ChangeRecord& change) { return line_of(json_of(change)); }

}  // namespace autotune::cli
