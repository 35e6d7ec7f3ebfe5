#include "cli/plan_text.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/change_json.hpp"
#include "cli/map_state.hpp"

namespace autotune::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string percent(double share) {
    char text[32];
    std::snprintf(text, sizeof text, "%g %%", share * 100);
    return text;
}

std::string hours(Nanos d) {
    char text[32];
    std::snprintf(text, sizeof text, "%gh", to_seconds(d) / 3600);
    return text;
}

struct Diff {
    std::string operator()(const Resize& r) const {
        return "  - memory " + std::to_string(r.from_mb) + " MB\n  + memory " + std::to_string(r.to_mb) +
               " MB\n";
    }
    std::string operator()(const Wrap& w) const { return "  + " + describe(w) + "\n"; }
    std::string operator()(const Deploy& d) const { return "  + " + describe(d) + "\n"; }
    std::string operator()(const TakeOver& t) const { return "  + " + describe(t) + "\n"; }
    static std::string lines(const char* what, const Setting& s) {
        const auto line = [&](const char* sign, const std::optional<std::uint32_t>& n) {
            return std::string("  ") + sign + " " + what + " " + (n ? std::to_string(*n) : "none") + "\n";
        };
        return line("-", s.from) + line("+", s.to);
    }
    std::string operator()(const Reserve& r) const { return lines("reserved concurrency", *setting_of(r)); }
    std::string operator()(const KeepWarm& k) const { return lines("kept warm", *setting_of(k)); }
    std::string operator()(const Notify& n) const {
        return "  ! tells people (" + std::string(to_string(n.severity)) + ")" +
               (n.suggest.empty() ? "" : ": consider " + n.suggest) + "\n";
    }
};

void line(std::string& out, const char* label, const std::string& value) {
    if (value.empty()) return;
    char head[32];
    std::snprintf(head, sizeof head, "    %-9s ", label);
    out += head + value + "\n";
}

std::string action_text(const PlannedAction& planned) {
    const Action& a = planned.action;
    std::string out = a.target.name + ", by rule " + a.rule + "\n" + std::visit(Diff{}, a.change);
    line(out, "because", a.because);
    line(out, "expected", a.predicted);
    for (const auto& [name, value] : a.evidence.facts) line(out, "fact", name + " = " + value);
    if (a.canary && !makes_version(a.change))
        line(out, "proof", "fewer calls " + std::string(setting_of(a.change)->bad) + " than before, within " + hours(a.canary->horizon) + "; else it is " +
                               (a.canary->on_hold == CanaryPolicy::OnHold::revert ? "taken back" : "waited for"));
    else if (a.canary)
        line(out, "canary", percent(a.canary->weight) + " of the calls, at most " + hours(a.canary->horizon));
    if (a.approval_within)
        line(out, "approval", "needed: it would wait " + hours(*a.approval_within) + " for autotune approve");
    if (map_state_machine(a.change, a.target))
        line(out, "artifact", "--json has it as a Map state for AWS Step Functions");
    if (!planned.impossible.empty()) {
        line(out, "refused", planned.impossible);
    } else if (a.canary && a.mode == Mode::dry_run) {
        line(out, "mode", "dry-run: an agent would only say so");
    }
    std::istringstream requests(planned.requests);
    for (std::string request; std::getline(requests, request);) line(out, "request", request);
    return out;
}

}  // namespace

std::string plan_text(const PlanReport& report) {
    std::string out;
    for (const PlannedAction& planned : report.actions) out += action_text(planned) + "\n";
    for (const Refusal& r : report.refused)
        out += r.target.name + ", by rule " + r.rule + ": nothing, " + r.reason + "\n";
    if (report.actions.empty()) out += "nothing to do\n";
    return out;
}

std::string plan_json(const PlanReport& report) {
    Json json{{"rules", report.rules_file}, {"at", to_rfc3339(report.at)}};
    json["actions"] = Json::array();
    for (const PlannedAction& planned : report.actions) {
        const Action& a = planned.action;
        Json one{{"function", a.target.name},
                 {"rule", a.rule},
                 {"change", describe(a.change)},
                 {"mode", to_string(a.mode)},
                 {"because", a.because},
                 {"predicted", a.predicted},
                 {"evidence", Json::parse(evidence_json(a.evidence))}};
        if (const auto* resize = std::get_if<Resize>(&a.change)) {
            one["from_mb"] = resize->from_mb;
            one["to_mb"] = resize->to_mb;
        }
        if (const auto setting = setting_of(a.change)) {
            one["from"] = setting->from ? Json(*setting->from) : Json();
            one["to"] = setting->to ? Json(*setting->to) : Json();
        }
        if (const auto* keep = std::get_if<KeepWarm>(&a.change)) one["alias"] = keep->alias;
        if (const auto* wrap = std::get_if<Wrap>(&a.change)) {
            one["remedy"] = wrap->remedy;
            one["settings"] = Json::parse(wrap->settings, nullptr, false);
        }
        if (const auto machine = map_state_machine(a.change, a.target)) one["state_machine"] = Json::parse(*machine);
        if (a.canary && !makes_version(a.change))
            one["proof"] = {{"by", "counts before and after"}, {"horizon_s", to_seconds(a.canary->horizon)}};
        else if (a.canary)
            one["canary"] = {{"weight", a.canary->weight}, {"horizon_s", to_seconds(a.canary->horizon)}};
        if (a.approval_within) one["approval_within_s"] = to_seconds(*a.approval_within);
        if (!planned.impossible.empty()) one["refused"] = planned.impossible;
        one["requests"] = Json::array();
        std::istringstream requests(planned.requests);
        for (std::string request; std::getline(requests, request);) one["requests"].push_back(request);
        json["actions"].push_back(std::move(one));
    }
    json["refused"] = Json::array();
    for (const Refusal& r : report.refused)
        json["refused"].push_back({{"function", r.target.name}, {"rule", r.rule}, {"reason", r.reason}});
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace autotune::cli
