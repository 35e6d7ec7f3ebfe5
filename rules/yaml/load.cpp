#include "rules/yaml/load.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>

#include "rules/suggest.hpp"
#include "rules/yaml/sections.hpp"
#include "rules/yaml/tariffs.hpp"
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
                                   ", and no entry of 'slo' gives it: unknown, so it will not fire",
                               rule.file);
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
                rule.at, "the canary of '" + rule.name + "' gets the weight that 'max_canary_weight' allows",
                rule.file);
        rule.canary.weight = std::min(rule.canary.weight, most);
    }
}

// One load: the file that was asked for, and those that it includes, each read once.
class Loading {
public:
    Loading(Loaded& out, std::string_view name, const FileReader& read_file, Tariffs tariffs)
        : out_(out), name_(name), read_file_(read_file), shelf_(tariffs, read_file) {
        set_.file = name;
        set_.tariffs = std::move(tariffs);
        known_.insert(set_.file);
    }

    void run(std::string_view text) {
        const auto root = parse(text, "");
        if (!root) return;
        Reader reader(text, out_.diagnostics);
        defaults_.find_tariff = tariffs_beside(name_);
        if (reader.expect_map(
                *root, "a rules file",
                {"version", "include", "defaults", "guardrails", "slo", "lists", "macros", "rules"})) {
            read_version(reader, *root);
            if (const YamlNode* node = root->find("defaults")) read_defaults(reader, *node, defaults_);
            if (const YamlNode* node = root->find("guardrails"))
                read_guardrails(reader, *node, set_.guardrails);
            if (!root->find("rules") && !root->find("include"))
                reader.error(root->at, "the file needs 'rules'");
            read_shared(reader, *root, name_, "");
        }
        // A rule that could not be read is no reason to call its name unknown.
        if (has_errors(out_.diagnostics)) return;
        check_frozen_rules_exist(reader, set_, *root);
        check_slo_is_declared(reader, set_);
        limit_weights(reader, set_);
        if (!has_errors(out_.diagnostics)) out_.rules = std::move(set_);
    }

private:
    // `shown`: "" for the file that was asked for.
    std::optional<YamlNode> parse(std::string_view text, const std::string& shown) {
        const std::size_t before = out_.diagnostics.size();
        YamlDocument document;
        if (text.size() > kLargestFile)
            out_.diagnostics.push_back({Diagnostic::Kind::error,
                                        {},
                                        "the file is larger than " + std::to_string(kLargestFile) + " bytes",
                                        {}});
        else
            document = parse_yaml(text);
        std::move(document.diagnostics.begin(), document.diagnostics.end(),
                  std::back_inserter(out_.diagnostics));
        if (!document.root && out_.diagnostics.size() == before)
            out_.diagnostics.push_back({Diagnostic::Kind::error, {}, "the file is empty", {}});
        name_those_from(before, shown);
        return std::move(document.root);
    }
    TariffFinder tariffs_beside(const std::string& file) {
        return [this, file](const std::string& name) { return shelf_.find(name, beside(file, name)); };
    }
    static std::string beside(const std::string& file, const std::string& name) {
        const auto slash = file.rfind('/');
        return name.starts_with('/') || slash == std::string::npos ? name : file.substr(0, slash + 1) + name;
    }
    void name_those_from(std::size_t first, const std::string& shown) {
        for (std::size_t i = first; i < out_.diagnostics.size(); ++i)
            if (out_.diagnostics[i].file.empty()) out_.diagnostics[i].file = shown;
    }

    // What any file may have: those it includes first, since its conditions may use what they define.
    void read_shared(Reader& reader, const YamlNode& root, const std::string& path,
                     const std::string& shown) {
        if (const YamlNode* node = root.find("include"); node && reader.expect_sequence(*node, "'include'"))
            for (const YamlNode& file : node->children)
                if (const auto name = reader.text_of(file, "an included file"))
                    include(reader, file.at, path, *name);
        if (const YamlNode* node = root.find("lists")) read_lists(reader, *node);
        if (const YamlNode* node = root.find("macros")) read_macros(reader, *node);
        if (const YamlNode* node = root.find("slo")) read_slo(reader, *node, set_.slo);
        const std::size_t before = set_.rules.size();
        defaults_.find_tariff = tariffs_beside(path);  // an included file was read since
        if (const YamlNode* node = root.find("rules")) read_rules(reader, *node, defaults_, set_.rules);
        for (std::size_t i = before; i < set_.rules.size(); ++i) set_.rules[i].file = shown;
    }

    void include(Reader& reader, Position at, const std::string& from, const std::string& name) {
        const std::string path = beside(from, name);
        if (!known_.insert(path).second) return;
        if (!read_file_) return reader.error(at, "'include' is not possible here");
        if (known_.size() > kMostIncluded)
            return reader.error(at, "more than " + std::to_string(kMostIncluded) + " files are included");
        const auto text = read_file_(path);
        if (!text) return reader.error(at, text.error().message);
        set_.included.push_back(path);
        const auto root = parse(*text, path);
        if (!root) return;
        const std::size_t before = out_.diagnostics.size();
        Reader inner(*text, out_.diagnostics, reader.definitions());
        if (inner.expect_map(*root, "an included file",
                             {"version", "include", "slo", "lists", "macros", "rules"})) {
            read_version(inner, *root);
            read_shared(inner, *root, path, path);
        }
        name_those_from(before, path);
        reader.define(inner.definitions());
    }

    Loaded& out_;
    const std::string name_;
    const FileReader& read_file_;
    TariffShelf shelf_;
    std::set<std::string> known_;
    Defaults defaults_;
    RuleSet set_;
};

}  // namespace

Loaded load(std::string_view text, std::string_view file_name, const FileReader& read_file, Tariffs tariffs) {
    Loaded out;
    Loading(out, file_name, read_file, std::move(tariffs)).run(text);
    std::stable_sort(out.diagnostics.begin(), out.diagnostics.end(),
                     [](const Diagnostic& a, const Diagnostic& b) {
                         return std::tuple(std::string_view(a.file), a.at.line, a.at.column) <
                                std::tuple(std::string_view(b.file), b.at.line, b.at.column);
                     });
    keep_on_one_line(out.diagnostics);
    return out;
}

}  // namespace autotune::rules
