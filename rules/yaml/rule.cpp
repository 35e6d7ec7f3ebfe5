// One entry of `rules`.
#include <algorithm>
#include <string>

#include "rules/yaml/sections.hpp"

namespace autotune::rules {

namespace {

bool good_name(std::string_view name) {
    const auto good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_' || c == '.';
    };
    return !name.empty() && name.size() <= 100 && std::all_of(name.begin(), name.end(), good);
}

void require(Reader& reader, const YamlNode& node, std::string_view key) {
    if (!node.find(key)) reader.error(node.at, "a rule needs '" + std::string(key) + "'");
}

void read_timing(Reader& reader, const YamlNode& node, Rule& rule) {
    read_window(reader, node, rule.window);
    reader.read_duration(node, "for", rule.hold_for);
    reader.read_duration(node, "cooldown", rule.cooldown);
    reader.read_condition(node, "clear_when", rule.clear_when);
    reader.read_duration(node, "clear_for", rule.clear_for);
    reader.read_count(node, "max_actions_per_day", rule.max_actions_per_day, {0, 1e6});
}

void read_annotations(Reader& reader, const YamlNode& node, Annotations& out) {
    if (!reader.expect_map(node, "'annotations'", {"summary", "runbook"})) return;
    reader.read_template(node, "summary", out.summary);
    reader.read_template(node, "runbook", out.runbook);
}

void read_effect(Reader& reader, const YamlNode& node, Rule& rule) {
    enum class Effect : std::uint8_t { none, freeze_dependents } effect = Effect::none;
    constexpr std::array<Choice<Effect>, 1> kEffects{{{"freeze-dependents", Effect::freeze_dependents}}};
    reader.read_choice(node, "effect", kEffects, effect);
    rule.freezes_dependents = effect == Effect::freeze_dependents;
}

}  // namespace

std::optional<Rule> read_rule(Reader& reader, const YamlNode& node, const Defaults& defaults) {
    if (node.kind == YamlNode::Kind::null) {
        reader.error(node.at, "a rule must be a map (key: value), this is nothing");
        return std::nullopt;
    }
    if (!reader.expect_map(
            node, "a rule",
            {"name", "priority", "scope", "when", "window", "for", "cooldown", "clear_when", "clear_for",
             "max_actions_per_day", "plan", "canary", "mode", "effect", "annotations"}))
        return std::nullopt;
    for (const std::string_view key : {"name", "when", "plan"}) require(reader, node, key);
    Rule rule;
    rule.at = node.at;
    rule.mode = defaults.mode;
    rule.window = defaults.window;
    rule.cooldown = defaults.cooldown;
    rule.max_actions_per_day = defaults.max_actions_per_day;
    rule.canary = defaults.canary;
    reader.read_text(node, "name", rule.name);
    if (node.find("name") && !rule.name.empty() && !good_name(rule.name))
        reader.error(node.find("name")->at,
                     "a rule's name has letters, digits, '-', '_' and '.', at most 100");
    reader.read_integer(node, "priority", rule.priority, {-1e9, 1e9});
    read_scope(reader, node, rule.scope);
    std::optional<Condition> when;
    reader.read_condition(node, "when", when);
    read_timing(reader, node, rule);
    if (const YamlNode* plan = node.find("plan")) rule.plan = read_plan(reader, *plan, defaults);
    if (const YamlNode* canary = node.find("canary")) read_canary(reader, *canary, rule.canary);
    read_mode(reader, node, rule.mode);
    read_effect(reader, node, rule);
    if (const YamlNode* annotations = node.find("annotations"))
        read_annotations(reader, *annotations, rule.annotations);
    if (!when) return std::nullopt;
    rule.when = std::move(*when);
    return rule;
}

}  // namespace autotune::rules
