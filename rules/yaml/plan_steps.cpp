// The steps of a rule's plan. What this version cannot carry out becomes a suggestion, with a warning.
#include <algorithm>
#include <string>

#include "rules/suggest.hpp"
#include "rules/yaml/scalar.hpp"
#include "rules/yaml/sections.hpp"

namespace autotune::rules {

namespace {

struct Place {
    std::string_view kind;
    Position at;
};

void warn_suggestion(Reader& reader, Position at, std::string_view what) {
    reader.warning(
        at, "'" + std::string(what) +
                "' is understood but not carried out by this version; it will be reported as a suggestion");
}

// "balanced:0.5", "fastest-within:10": the number behind the colon, or nothing.
std::optional<double> parameter(std::string_view strategy, std::string_view name) {
    if (!strategy.starts_with(name) || !strategy.substr(name.size()).starts_with(":")) return std::nullopt;
    const std::string digits(strategy.substr(name.size() + 1));
    return is_number(digits) ? std::optional(std::stod(digits)) : std::nullopt;
}

bool measured_strategy(std::string_view strategy) {
    const auto weight = parameter(strategy, "balanced");
    const auto percent = parameter(strategy, "fastest-within");
    return strategy == "cost" || (weight && *weight >= 0 && *weight <= 1) || (percent && *percent >= 0);
}

void read_resize(Reader& reader, const YamlNode& node, const Defaults& defaults, PlanStep& step) {
    ResizeStep resize{.tariff = defaults.tariff};
    if (!reader.expect_map(node, "'resize'", {"strategy", "max_bumps", "tariff", "if"})) return;
    reader.read_count(node, "max_bumps", resize.max_bumps, {1, 100});
    read_tariff(reader, node, defaults.find_tariff, resize.tariff);
    const YamlNode* strategy = node.find("strategy");
    if (strategy && strategy->kind == YamlNode::Kind::scalar && measured_strategy(strategy->text)) {
        warn_suggestion(reader, strategy->at, "strategy: " + strategy->text);
        step.what = SuggestStep{"resize (" + strategy->text + ")"};
        return;
    }
    constexpr std::array<Choice<SizingStrategy>, 3> kStrategies{{{"oom-bump", SizingStrategy::oom_bump},
                                                                 {"timeout", SizingStrategy::timeout},
                                                                 {"auto", SizingStrategy::automatic}}};
    reader.read_choice(node, "strategy", kStrategies, resize.strategy);
    step.what = resize;
}

void read_notify(Reader& reader, const YamlNode& node, PlanStep& step) {
    NotifyStep notify;
    if (!reader.expect_map(node, "'notify'", {"severity", "suggest", "if"})) return;
    constexpr std::array<Choice<Severity>, 3> kSeverities{
        {{"info", Severity::info}, {"warning", Severity::warning}, {"critical", Severity::critical}}};
    reader.read_choice(node, "severity", kSeverities, notify.severity);
    reader.read_text(node, "suggest", notify.suggest);
    step.what = std::move(notify);
}

void read_concurrency(Reader& reader, const YamlNode& node, PlanStep& step) {
    ConcurrencyStep concurrency;
    step.what = concurrency;
    if (!reader.expect_map(node, "'concurrency'", {"most", "reserve", "if"})) return;
    if (!node.find("most"))
        return reader.error(node.at, "'concurrency' needs 'most': the largest reservation that it may make");
    reader.read_count(node, "most", concurrency.most, {1, 100'000});
    std::uint32_t reserve = 0;
    if (const YamlNode* first = node.find("reserve")) {
        reader.read_count(node, "reserve", reserve, {1, 100'000});
        if (reserve > concurrency.most) reader.error(first->at, "'reserve' is more than 'most'");
        concurrency.reserve = reserve;
    }
    step.what = concurrency;
}

void read_keep_warm(Reader& reader, const YamlNode& node, PlanStep& step) {
    KeepWarmStep keep;
    step.what = keep;
    if (!reader.expect_map(node, "'keep_warm'", {"most", "if"})) return;
    if (!node.find("most"))
        return reader.error(node.at, "'keep_warm' needs 'most': the largest number of environments that it may keep ready");
    reader.read_count(node, "most", keep.most, {1, 100'000});
    step.what = keep;
}

// Which calls `target` means nobody but people knows, so with it the step can only be told.
void read_recluster(Reader& reader, const YamlNode& node, Position at, PlanStep& step) {
    ReclusterStep recluster;
    step.what = recluster;
    using Op = ReclusterStep::Op;
    constexpr std::array<Choice<Op>, 2> kOps{{{"split", Op::split}, {"fuse", Op::fuse}}};
    if (!reader.expect_map(node, "'recluster'", {"op", "target", "last", "if"})) return;
    if (!node.find("op")) reader.error(at, "'recluster' needs 'op': split or fuse");
    reader.read_choice(node, "op", kOps, recluster.op);
    reader.read_duration(node, "last", recluster.last);
    if (const YamlNode* last = node.find("last"); last && recluster.last <= Nanos(0)) reader.error(last->at, "'last' must be more than nothing");
    std::string target;
    reader.read_text(node, "target", target);
    step.what = recluster;
    if (target.empty()) return;
    step.what = SuggestStep{"recluster: " + std::string(to_string(recluster.op)) + " " + target};
    warn_suggestion(reader, at, "recluster");
}

// "map-reduce", "relocate near dep.slowest": the step in words.
std::string remedy(Reader& reader, const YamlNode& node, Place place) {
    const std::string what = "'" + std::string(place.kind) + "'";
    std::string text;
    if (place.kind == "map_reduce") {
        // Without the list that is divided it can only be told.
        return reader.expect_map(node, what, {"if"}) ? "map-reduce" : "";
    }
    if (!reader.expect_map(node, what, {"near", "if"})) return {};
    reader.read_text(node, "near", text);
    return "relocate" + (text.empty() ? "" : " near " + text);
}

std::optional<PlanStep> read_step(Reader& reader, const YamlNode& node, const Defaults& defaults) {
    if (node.kind != YamlNode::Kind::map || node.keys.size() != 1) {
        const bool word = node.kind == YamlNode::Kind::scalar &&
                          std::find(kStepKinds.begin(), kStepKinds.end(), node.text) != kStepKinds.end();
        reader.error(
            node.at,
            "a plan step is one key with a map, such as '- notify: {}'; this is " + describe(node) +
                (node.kind == YamlNode::Kind::map ? " of " + std::to_string(node.keys.size()) + " keys"
                                                  : "") +
                (word ? "; write '" + node.text + ": {}'" : ""));
        return std::nullopt;
    }
    const std::string& kind = node.keys[0];
    const Position at = node.key_at[0];
    if (std::find(kStepKinds.begin(), kStepKinds.end(), kind) == kStepKinds.end()) {
        reader.error(at, "unknown plan step '" + kind + "'" + did_you_mean(kind, kStepKinds));
        return std::nullopt;
    }
    PlanStep step{.what = {}, .only_if = {}, .at = at};
    const YamlNode& body = node.children[0];
    if (kind == "resize") {
        read_resize(reader, body, defaults, step);
    } else if (kind == "concurrency") {
        read_concurrency(reader, body, step);
    } else if (kind == "keep_warm") {
        read_keep_warm(reader, body, step);
    } else if (kind == "recluster") {
        read_recluster(reader, body, at, step);
    } else if (kind == "notify") {
        read_notify(reader, body, step);
    } else if (auto wrap = read_remedy(reader, body, kind)) {
        step.what = *std::move(wrap);
    } else {
        step.what = SuggestStep{remedy(reader, body, {kind, at})};
        warn_suggestion(reader, at, kind);
    }
    if (body.kind == YamlNode::Kind::map) reader.read_condition(body, "if", step.only_if);
    return step;
}

}  // namespace

std::vector<PlanStep> read_plan(Reader& reader, const YamlNode& node, const Defaults& defaults) {
    std::vector<PlanStep> steps;
    if (!reader.expect_sequence(node, "'plan'")) return steps;
    if (node.children.empty()) reader.error(node.at, "'plan' is empty: a rule must at least notify");
    for (const YamlNode& element : node.children)
        if (auto step = read_step(reader, element, defaults)) steps.push_back(std::move(*step));
    return steps;
}

}  // namespace autotune::rules
