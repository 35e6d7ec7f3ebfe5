#include "knowledge/action_json.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/json_integer.hpp"

namespace autotune {

namespace {
using nlohmann::json;

// Thrown and caught in this file only, beside nlohmann's own.
[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument(what); }

// The enumerator whose to_string() is `name`, of the first `count`.
template <class Enum, std::size_t count>
Enum named(const json& name) {
    const auto text = name.get<std::string>();
    for (std::size_t i = 0; i < count; ++i)
        if (to_string(static_cast<Enum>(i)) == text) return static_cast<Enum>(i);
    refuse("\"" + text + "\" is not known");
}

json from_number(double number) {
    if (std::isfinite(number)) return number;
    if (std::isnan(number)) return "nan";
    return number > 0 ? "inf" : "-inf";
}

double to_number(const json& value) {
    if (!value.is_string()) return value.get<double>();
    const auto text = value.get<std::string>();
    if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (text == "inf") return std::numeric_limits<double>::infinity();
    if (text == "-inf") return -std::numeric_limits<double>::infinity();
    refuse("\"" + text + "\" is not a number");
}

Timestamp to_time(const json& value) { return from_ns(integer_of<std::int64_t>(value)); }

json from_tuning(const Tuning& t) {
    return {{"memory_mb", t.memory_mb}, {"timeout_ns", t.timeout.count()}, {"handler", t.handler},
            {"layers", t.layers},       {"code_hash", t.code_hash},        {"remedy", t.remedy}};
}

Tuning to_tuning(const json& j) {
    return {.memory_mb = integer_of<std::uint32_t>(j.at("memory_mb")),
            .timeout = Nanos(integer_of<std::int64_t>(j.at("timeout_ns"))),
            .handler = j.at("handler").get<std::string>(),
            .layers = j.at("layers").get<std::vector<std::string>>(),
            .code_hash = j.value("code_hash", ""),
            .remedy = j.at("remedy").get<std::string>()};
}

struct ChangeWriter {
    json operator()(const Resize& r) const {
        return {{"resize", {{"from_mb", r.from_mb}, {"to_mb", r.to_mb}}}};
    }
    json operator()(const Wrap& w) const {
        return {{"wrap",
                 {{"remedy", w.remedy},
                  {"settings", w.settings},
                  {"words", w.words},
                  {"timeout_ns", w.timeout.count()},
                  {"layer", w.layer},
                  {"handler", w.handler}}}};
    }
    json operator()(const Deploy& d) const {
        json j{{"code_hash", d.code_hash}, {"package", d.package}, {"words", d.words}};
        if (!d.remedy.empty()) j["remedy"] = d.remedy;
        if (d.made_of) j["made_of"] = {{"code_hash", d.made_of->code_hash}, {"handler", d.made_of->handler}};
        return {{"deploy", j}};
    }
    json operator()(const TakeOver& t) const {
        return {{"take_over", {{"from", t.from}, {"left", from_tuning(t.left)}}}};
    }
    static json numbers(const Setting& s) {
        json j{{"before", {{"calls", s.before.calls}, {"bad", s.before.bad}}}};
        if (s.from) j["from"] = *s.from;
        if (s.to) j["to"] = *s.to;
        return j;
    }
    json operator()(const Reserve& r) const { return {{"reserve", numbers(*setting_of(r))}}; }
    json operator()(const KeepWarm& k) const {
        json j = numbers(*setting_of(k));
        j["alias"] = k.alias;
        return {{"keep_warm", j}};
    }
    json operator()(const Notify& n) const {
        return {{"notify", {{"severity", to_string(n.severity)}, {"suggest", n.suggest}}}};
    }
};

Setting to_setting(const json& j) {
    const auto number = [&](const char* name) {
        return j.contains(name) ? std::optional(integer_of<std::uint32_t>(j.at(name))) : std::nullopt;
    };
    return {.from = number("from"),
            .to = number("to"),
            .before = {.calls = integer_of<std::uint64_t>(j.at("before").at("calls")),
                       .bad = integer_of<std::uint64_t>(j.at("before").at("bad"))},
            .bad = {}};
}

Change to_change(const json& j) {
    if (j.contains("resize")) {
        const json& r = j.at("resize");
        return Resize{integer_of<std::uint32_t>(r.at("from_mb")), integer_of<std::uint32_t>(r.at("to_mb"))};
    }
    if (j.contains("wrap")) {
        const json& w = j.at("wrap");
        return Wrap{.remedy = w.at("remedy").get<std::string>(),
                    .settings = w.at("settings").get<std::string>(),
                    .words = w.at("words").get<std::string>(),
                    .timeout = Nanos(integer_of<std::int64_t>(w.at("timeout_ns"))),
                    .layer = w.at("layer").get<std::string>(),
                    .handler = w.value("handler", "")};
    }
    if (j.contains("deploy")) {
        const json& d = j.at("deploy");
        Deploy out{.code_hash = d.at("code_hash").get<std::string>(),
                   .package = d.at("package").get<std::string>(),
                   .words = d.at("words").get<std::string>(),
                   .remedy = d.value("remedy", "")};
        if (d.contains("made_of"))
            out.made_of = MadeOf{d.at("made_of").at("code_hash").get<std::string>(), d.at("made_of").at("handler").get<std::string>()};
        return out;
    }
    if (j.contains("take_over")) {
        const json& t = j.at("take_over");
        return TakeOver{t.at("from").get<std::string>(), to_tuning(t.at("left"))};
    }
    if (j.contains("reserve")) {
        const Setting r = to_setting(j.at("reserve"));
        return Reserve{.from = r.from, .to = r.to, .before = r.before};
    }
    if (j.contains("keep_warm")) {
        const Setting k = to_setting(j.at("keep_warm"));
        return KeepWarm{.alias = j.at("keep_warm").at("alias").get<std::string>(), .from = k.from, .to = k.to, .before = k.before};
    }
    if (j.contains("notify")) {
        const json& n = j.at("notify");
        return Notify{named<Severity, 3>(n.at("severity")), n.at("suggest").get<std::string>()};
    }
    refuse("this kind of change is not known");
}

json from_impact(const Impact& i) {
    return {{"watched_ns", i.watched.count()},
            {"invocations", from_number(i.invocations)},
            {"failed", from_number(i.failed)},
            {"unsized", from_number(i.unsized)},
            {"slow", from_number(i.slow)},
            {"slow_over_ns", i.slow_over.count()},
            {"gb_seconds", from_number(i.gb_seconds)},
            {"gb_seconds_error", from_number(i.gb_seconds_error)},
            {"usd_a_day", from_number(i.usd_a_day)},
            {"usd_a_day_error", from_number(i.usd_a_day_error)},
            {"tariff", i.tariff}};
}

Impact to_impact(const json& j) {
    return {.watched = Nanos(integer_of<std::int64_t>(j.at("watched_ns"))),
            .invocations = to_number(j.at("invocations")),
            .failed = to_number(j.at("failed")),
            .unsized = to_number(j.at("unsized")),
            .slow = to_number(j.at("slow")),
            .slow_over = Nanos(integer_of<std::int64_t>(j.at("slow_over_ns"))),
            .gb_seconds = to_number(j.at("gb_seconds")),
            .gb_seconds_error = to_number(j.at("gb_seconds_error")),
            .usd_a_day = to_number(j.at("usd_a_day")),
            .usd_a_day_error = to_number(j.at("usd_a_day_error")),
            .tariff = j.at("tariff").get<std::string>()};
}

json from_evidence(const Evidence& e) {
    json facts = json::array();
    for (const auto& [name, value] : e.facts) facts.push_back({name, value});
    json j{{"facts", facts},
           {"from_ns", to_ns(e.from)},
           {"to_ns", to_ns(e.to)},
           {"wall_to_ns", e.wall_to.time_since_epoch().count()},
           {"hottest_frame", e.hottest_frame},
           {"flame_graph", e.flame_graph}};
    if (e.kill_time) j["kill_time_ns"] = to_ns(*e.kill_time);
    if (!e.culprit.empty()) j["culprit"] = e.culprit;
    if (!e.black_box.empty()) j["black_box"] = e.black_box;
    if (e.impact) j["impact"] = from_impact(*e.impact);
    if (!e.confidence.grade.empty()) j["confidence"] = {{"grade", e.confidence.grade}, {"rests_on", e.confidence.rests_on}};
    if (!e.missing.empty()) j["missing"] = e.missing;
    if (!e.differed.empty()) j["differed"] = e.differed;
    return j;
}

Evidence to_evidence(const json& j) {
    Evidence e;
    for (const json& fact : j.at("facts"))
        e.facts.emplace_back(fact.at(0).get<std::string>(), fact.at(1).get<std::string>());
    e.from = to_time(j.at("from_ns"));
    e.to = to_time(j.at("to_ns"));
    if (j.contains("wall_to_ns")) e.wall_to = WallTime(Nanos(integer_of<std::int64_t>(j.at("wall_to_ns"))));
    e.hottest_frame = j.at("hottest_frame").get<std::string>();
    e.flame_graph = j.at("flame_graph").get<std::string>();
    if (j.contains("kill_time_ns")) e.kill_time = to_time(j.at("kill_time_ns"));
    if (j.contains("culprit")) e.culprit = j.at("culprit").get<std::string>();
    if (j.contains("black_box")) e.black_box = j.at("black_box").get<std::string>();
    if (j.contains("differed")) e.differed = j.at("differed").get<std::string>();
    // Changes of older versions have none of these.
    if (j.contains("impact")) e.impact = to_impact(j.at("impact"));
    if (const auto c = j.find("confidence"); c != j.end())
        e.confidence = {c->at("grade").get<std::string>(), c->at("rests_on").get<std::string>()};
    e.missing = j.value("missing", std::vector<std::string>());
    return e;
}

json from_canary(const CanaryPolicy& c) {
    return {{"latency_margin", from_number(c.latency_margin)},
            {"error_margin", from_number(c.error_margin)},
            {"harm_margin", from_number(c.harm_margin)},
            {"indifference_ns", c.indifference.count()},
            {"alpha", from_number(c.alpha)},
            {"beta", from_number(c.beta)},
            {"weight", from_number(c.weight)},
            {"horizon_ns", c.horizon.count()},
            {"on_hold", c.on_hold == CanaryPolicy::OnHold::revert ? "revert" : "keep-waiting"}};
}

CanaryPolicy to_canary(const json& j) {
    CanaryPolicy c;
    c.latency_margin = to_number(j.at("latency_margin"));
    c.error_margin = to_number(j.at("error_margin"));
    // Changes of older versions have neither.
    if (j.contains("harm_margin")) c.harm_margin = to_number(j.at("harm_margin"));
    if (j.contains("indifference_ns")) c.indifference = Nanos(integer_of<std::int64_t>(j.at("indifference_ns")));
    c.alpha = to_number(j.at("alpha"));
    c.beta = to_number(j.at("beta"));
    c.weight = to_number(j.at("weight"));
    c.horizon = Nanos(integer_of<std::int64_t>(j.at("horizon_ns")));
    const auto on_hold = j.at("on_hold").get<std::string>();
    if (on_hold != "revert" && on_hold != "keep-waiting") refuse("on_hold \"" + on_hold + "\" is not known");
    c.on_hold = on_hold == "revert" ? CanaryPolicy::OnHold::revert : CanaryPolicy::OnHold::keep_waiting;
    return c;
}

std::string text_of(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

// Runs `read` on the parsed text; whatever is wrong with the text becomes Errc::corrupt.
template <class Read>
auto parse(std::string_view text, std::string_view what, Read read) -> Result<decltype(read(json()))> {
    try {
        return read(json::parse(text));
    } catch (const std::exception& e) {
        return fail(Errc::corrupt, std::string(what) + ": " + e.what());
    }
}

Action to_action(const json& j) {
    Action a;
    a.target = {j.at("provider").get<std::string>(), j.at("function").get<std::string>()};
    a.change = to_change(j.at("change"));
    a.rule = j.at("rule").get<std::string>();
    a.because = j.at("because").get<std::string>();
    a.predicted = j.at("predicted").get<std::string>();
    a.evidence = to_evidence(j.at("evidence"));
    a.mode = named<Mode, 2>(j.at("mode"));
    if (j.contains("canary")) a.canary = to_canary(j.at("canary"));
    a.request = j.value("request", "");
    a.next = j.value("next", "");
    a.risk = j.value("risk", "");
    a.refused = j.value("refused", std::vector<std::string>());
    if (j.contains("approval_within_ns"))
        a.approval_within = Nanos(integer_of<std::int64_t>(j.at("approval_within_ns")));
    a.runbook = j.at("runbook").get<std::string>();
    return a;
}

JudgeReport to_report(const json& j) {
    JudgeReport r;
    r.decision = named<JudgeReport::Decision, 4>(j.at("decision"));
    r.pairs = integer_of<std::uint64_t>(j.at("pairs"));
    r.canary_calls = integer_of<std::uint64_t>(j.at("canary_calls"));
    r.canary_failures = integer_of<std::uint64_t>(j.at("canary_failures"));
    r.baseline_calls = integer_of<std::uint64_t>(j.at("baseline_calls"));
    r.baseline_failures = integer_of<std::uint64_t>(j.at("baseline_failures"));
    r.log10_e_latency = to_number(j.at("log10_e_latency"));
    r.log10_e_errors = to_number(j.at("log10_e_errors"));
    r.log10_e_harm = to_number(j.at("log10_e_harm"));
    r.baseline_p95 = Nanos(integer_of<std::int64_t>(j.at("baseline_p95_ns")));
    r.canary_p95 = Nanos(integer_of<std::int64_t>(j.at("canary_p95_ns")));
    r.reason = j.at("reason").get<std::string>();
    return r;
}
}  // namespace

std::string to_json(const Action& a) {
    json j{{"provider", a.target.provider},
           {"function", a.target.name},
           {"change", std::visit(ChangeWriter{}, a.change)},
           {"rule", a.rule},
           {"because", a.because},
           {"predicted", a.predicted},
           {"evidence", from_evidence(a.evidence)},
           {"mode", to_string(a.mode)},
           {"runbook", a.runbook}};
    if (a.canary) j["canary"] = from_canary(*a.canary);
    if (!a.request.empty()) j["request"] = a.request;
    if (!a.next.empty()) j["next"] = a.next;
    if (!a.risk.empty()) j["risk"] = a.risk;
    if (!a.refused.empty()) j["refused"] = a.refused;
    if (a.approval_within) j["approval_within_ns"] = a.approval_within->count();
    return text_of(j);
}

std::string to_json(const Tuning& t) {
    return text_of(from_tuning(t));
}

Result<Tuning> tuning_from_json(std::string_view text) {
    return parse(text, "tuning", to_tuning);
}

std::string to_json(const JudgeReport& r) {
    return text_of({{"decision", to_string(r.decision)},
                    {"pairs", r.pairs},
                    {"canary_calls", r.canary_calls},
                    {"canary_failures", r.canary_failures},
                    {"baseline_calls", r.baseline_calls},
                    {"baseline_failures", r.baseline_failures},
                    {"log10_e_latency", from_number(r.log10_e_latency)},
                    {"log10_e_errors", from_number(r.log10_e_errors)},
                    {"log10_e_harm", from_number(r.log10_e_harm)},
                    {"baseline_p95_ns", r.baseline_p95.count()},
                    {"canary_p95_ns", r.canary_p95.count()},
                    {"reason", r.reason}});
}

Result<Action> action_from_json(std::string_view text) { return parse(text, "action", to_action); }

Result<JudgeReport> judge_report_from_json(std::string_view text) {
    return parse(text, "judge report", to_report);
}

}  // namespace autotune
