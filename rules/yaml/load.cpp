#include "rules/yaml/load.hpp"

#include <algorithm>
#include <string>

#include "rules/suggest.hpp"
#include "rules/yaml/sections.hpp"
#include "rules/yaml/tree.hpp"

namespace autotune::rules {

namespace {

void read_version(Reader& reader, const YamlNode& root) {
    std::int64_t version = 1;
    if (!root.find("version")) reader.error(root.at, "the file needs 'version: 1'");
    reader.read_integer(root, "version", version, {1, 1});
}

void read_rules(Reader& reader, const YamlNode& node, const Defaults& defaults, std::vector<Rule>& out) {
    if (!reader.expect_sequence(node, "'rules'")) return;
    if (node.children.empty()) reader.warning(node.at, "'rules' is empty: nothing will ever happen");
    for (const YamlNode& element : node.children) {
        auto rule = read_rule(reader, element, defaults);
        if (!rule) continue;
        const auto same =
            std::find_if(out.begin(), out.end(), [&](const Rule& r) { return r.name == rule->name; });
        if (same != out.end() && !rule->name.empty())
            reader.error(rule->at, "duplicate rule '" + rule->name + "', first given on line " +
                                       std::to_string(same->at.line));
        out.push_back(std::move(*rule));
    }
}

bool mentions(const Rule& rule, std::string_view fact) {
    const auto in = [&](const std::optional<Condition>& c) { return c && names(*c, fact); };
    return names(rule.when, fact) || in(rule.clear_when) ||
           std::any_of(rule.plan.begin(), rule.plan.end(), [&](const PlanStep& s) { return in(s.only_if); });
}

void check_slo_is_declared(Reader& reader, const RuleSet& set) {
    for (std::size_t i = 0; i < kSloFactCount; ++i) {
        const bool declared = std::any_of(set.slo.begin(), set.slo.end(),
                                          [&](const SloEntry& e) { return e.values[i].has_value(); });
        const std::string_view name = slo_catalogue()[i].name;
        for (const Rule& rule : set.rules)
            if (!declared && mentions(rule, name))
                reader.warning(rule.when.at,
                               "'" + rule.name + "' needs " + std::string(name) +
                                   ", and no entry of 'slo' gives it: unknown, so it will not fire");
    }
}

void check_frozen_rules_exist(Reader& reader, const RuleSet& set, const YamlNode& root) {
    const YamlNode* guardrails = root.find("guardrails");
    const YamlNode* list = guardrails ? guardrails->find("freeze_when") : nullptr;
    if (!list) return;
    std::vector<std::string_view> known;
    for (const Rule& rule : set.rules) known.push_back(rule.name);
    for (const YamlNode& name : list->children)
        if (std::find(known.begin(), known.end(), name.text) == known.end())
            reader.error(name.at,
                         "'freeze_when' names no rule: '" + name.text + "'" + did_you_mean(name.text, known));
}

void limit_weights(Reader& reader, RuleSet& set) {
    const double most = set.guardrails.max_canary_weight;
    for (Rule& rule : set.rules) {
        if (rule.canary.weight > most && rule.canary.weight != CanaryPolicy().weight)
            reader.warning(
                rule.at, "the canary of '" + rule.name + "' gets the weight that 'max_canary_weight' allows");
        rule.canary.weight = std::min(rule.canary.weight, most);
    }
}

RuleSet read_file(Reader& reader, const YamlNode& root) {
    RuleSet set;
    if (!reader.expect_map(root, "a rules file", {"version", "defaults", "guardrails", "slo", "rules"}))
        return set;
    read_version(reader, root);
    Defaults defaults;
    if (const YamlNode* node = root.find("defaults")) read_defaults(reader, *node, defaults);
    if (const YamlNode* node = root.find("guardrails")) read_guardrails(reader, *node, set.guardrails);
    if (const YamlNode* node = root.find("slo")) read_slo(reader, *node, set.slo);
    if (const YamlNode* node = root.find("rules"))
        read_rules(reader, *node, defaults, set.rules);
    else
        reader.error(root.at, "the file needs 'rules'");
    return set;
}

}  // namespace

Loaded load(std::string_view text, std::string_view file_name) {
    Loaded out;
    Reader reader(text, out.diagnostics);
    if (text.size() > kLargestFile) {
        reader.error({}, "the file is larger than " + std::to_string(kLargestFile) + " bytes");
        return out;
    }
    YamlDocument document = parse_yaml(text);
    out.diagnostics = std::move(document.diagnostics);
    if (!document.root) {
        if (out.diagnostics.empty()) reader.error({}, "the file is empty");
        keep_on_one_line(out.diagnostics);
        return out;
    }
    RuleSet set = read_file(reader, *document.root);
    set.file = file_name;
    // A rule that could not be read is no reason to call its name unknown.
    if (!has_errors(out.diagnostics)) {
        check_frozen_rules_exist(reader, set, *document.root);
        check_slo_is_declared(reader, set);
        limit_weights(reader, set);
    }
    std::stable_sort(out.diagnostics.begin(), out.diagnostics.end(),
                     [](const Diagnostic& a, const Diagnostic& b) {
                         return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
                     });
    keep_on_one_line(out.diagnostics);
    if (!has_errors(out.diagnostics)) out.rules = std::move(set);
    return out;
}

}  // namespace autotune::rules
