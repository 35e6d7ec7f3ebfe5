// docs/rules.schema.json, which editors use, says what the loader says.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "rules/yaml/load.hpp"
#include "rules/yaml/scalar.hpp"
#include "rules/yaml/tree.hpp"

namespace autotune::rules {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
const fs::path kSource = AUTOTUNE_SOURCE_DIR;

std::string read(const fs::path& path) {
    std::ifstream in(path);
    EXPECT_TRUE(in) << path;
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

// YAML as JSON Schema's readers see it.
Json json_of(const YamlNode& node) {
    switch (node.kind) {
        case YamlNode::Kind::null: return nullptr;
        case YamlNode::Kind::scalar: break;
        case YamlNode::Kind::sequence: {
            Json out = Json::array();
            for (const YamlNode& child : node.children) out.push_back(json_of(child));
            return out;
        }
        case YamlNode::Kind::map: {
            Json out = Json::object();
            for (std::size_t i = 0; i < node.keys.size(); ++i) out[node.keys[i]] = json_of(node.children[i]);
            return out;
        }
    }
    const bool plain = node.style == YamlNode::Style::plain;
    if (plain && is_number(node.text)) return Json::parse(node.text);
    if (plain && (node.text == "true" || node.text == "false")) return node.text == "true";
    return node.text;
}

// As much of JSON Schema, draft 7, as the file uses; a word that is not known here is a failure.
class Validator {
public:
    explicit Validator(Json schema) : root_(std::move(schema)) {}

    bool valid(const Json& value) { return fits(value, root_); }

    void collect(std::set<std::string>& names) const { collect(root_, names); }

private:
    bool fits(const Json& value, const Json& schema) {
        for (const auto& [word, is] : schema.items())
            if (!word_fits(value, schema, word, is)) return false;
        return true;
    }

    bool word_fits(const Json& value, const Json& schema, const std::string& word, const Json& is) {
        if (word == "$ref") return fits(value, root_.at(Json::json_pointer(is.get<std::string>().substr(1))));
        if (word == "type")
            return is.is_array()
                       ? std::any_of(is.begin(), is.end(), [&](const Json& t) { return typed(value, t); })
                       : typed(value, is);
        if (word == "enum") return std::find(is.begin(), is.end(), value) != is.end();
        if (word == "const") return value == is;
        if (word == "minimum") return !value.is_number() || value >= is;
        if (word == "maximum") return !value.is_number() || value <= is;
        if (word == "minItems") return !value.is_array() || value.size() >= is.get<std::size_t>();
        if (word == "pattern")
            return !value.is_string() ||
                   std::regex_search(value.get<std::string>(), std::regex(is.get<std::string>()));
        if (word == "allOf")
            return std::all_of(is.begin(), is.end(), [&](const Json& s) { return fits(value, s); });
        if (word == "oneOf")
            return std::count_if(is.begin(), is.end(), [&](const Json& s) { return fits(value, s); }) == 1;
        if (word == "items")
            return !value.is_array() ||
                   std::all_of(value.begin(), value.end(), [&](const Json& v) { return fits(v, is); });
        if (word == "required")
            return !value.is_object() || std::all_of(is.begin(), is.end(), [&](const Json& key) {
                return value.contains(key.get<std::string>());
            });
        if (word == "properties") {
            if (!value.is_object()) return true;
            for (const auto& [key, s] : is.items())
                if (value.contains(key) && !fits(value[key], s)) return false;
            return true;
        }
        if (word == "propertyNames" || word == "additionalProperties") {
            if (!value.is_object()) return true;
            for (const auto& [key, v] : value.items()) {
                if (word == "propertyNames" ? !fits(key, is) : !additional_fits(schema, key, v, is))
                    return false;
            }
            return true;
        }
        const std::set<std::string> known{"$schema", "title", "description", "definitions"};
        EXPECT_TRUE(known.contains(word)) << word;
        return true;
    }

    bool additional_fits(const Json& schema, const std::string& key, const Json& value, const Json& is) {
        if (schema.contains("properties") && schema["properties"].contains(key)) return true;
        return is.is_boolean() ? is.get<bool>() : fits(value, is);
    }

    static bool typed(const Json& value, const std::string& type) {
        if (type == "integer") return value.is_number_integer();
        return type == (value.is_number() ? "number" : value.type_name());
    }

    static void collect(const Json& schema, std::set<std::string>& names) {
        if (schema.is_object() && schema.contains("properties"))
            for (const auto& [key, s] : schema["properties"].items()) names.insert(key);
        if (schema.is_structured())
            for (const Json& child : schema) collect(child, names);
    }

    Json root_;
};

Validator validator() { return Validator(Json::parse(read(kSource / "docs" / "rules.schema.json"))); }
Json document(std::string_view yaml) { return json_of(*parse_yaml(yaml).root); }

TEST(Schema, TakesTheExamples) {
    int files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(kSource / "examples")) {
        if (entry.path().filename() != "rules.yaml") continue;
        EXPECT_TRUE(validator().valid(document(read(entry.path())))) << entry.path();
        ++files;
    }
    EXPECT_GE(files, 2);
}

// Each key that the loader's sources expect is one of the schema's, and the other way round.
TEST(Schema, HasTheKeysOfTheLoader) {
    std::set<std::string> in_schema, in_loader;
    validator().collect(in_schema);
    const std::regex list("expect_map\\([^{;]*\\{([^}]*)\\}"), word("\"([a-z0-9_]+)\"");
    for (const char* name : {"load.cpp", "maintenance.cpp", "plan_steps.cpp", "remedy_steps.cpp", "rule.cpp", "settings.cpp"}) {
        const std::string text = read(kSource / "rules" / "yaml" / name);
        for (std::sregex_iterator l(text.begin(), text.end(), list), end; l != end; ++l) {
            const std::string keys = (*l)[1];
            for (std::sregex_iterator w(keys.begin(), keys.end(), word); w != end; ++w)
                in_loader.insert((*w)[1]);
        }
    }
    for (const char* kind : {"resize", "recluster", "map_reduce", "handover", "cache", "relocate", "concurrency", "keep_warm", "notify"})
        in_loader.insert(kind);
    EXPECT_EQ(in_schema, in_loader);
}

TEST(Schema, SaysWhatTheLoaderSays) {
    const std::string rule = "rules:\n- name: a\n  when: fn.errors > 0\n  plan: [{notify: {}}]\n  ";
    const std::pair<const char*, bool> kLines[] = {
        {"priority: 3", true},
        {"priority: high", false},
        {"for: 5m", true},
        {"for: 5", false},
        {"for: 0", true},
        {"window: 1h30m", true},
        {"mode: apply", true},
        {"mode: now", false},
        {"scope: {functions: 'a*', labels: {tier: prod}}", true},
        {"scope: {function: a}", false},
        {"canary: {alpha: 0.05, horizon: 2h, on_hold: wait}", true},
        {"canary: {alpha: 5}", false},
        {"effect: freeze-dependents", true},
        {"clear_when: fn.errors == 0", true},
        {"annotations: {summary: look, runbook: restart it}", true},
        {"anotations: {}", false},
        {"max_actions_per_day: 1.5", false}};
    for (const auto& [line, right] : kLines) {
        const std::string text = "version: 1\n" + rule + line + "\n";
        EXPECT_EQ(validator().valid(document(text)), right) << line;
        EXPECT_EQ(load(text, "rules.yaml").rules.has_value(), right) << line;
    }
    const std::pair<const char*, bool> kGuardrails[] = {
        {"approval: {required_for: [recluster, resize]}", true},
        {"approval: {required_for: [resize], expires: 8h}", true},
        {"approval: {required_for: [resize], expires: 8}", false},
        {"approval: {required_for: [reclustre]}", false},
        {"approval: {required_for: [notify]}", false}};
    for (const auto& [line, right] : kGuardrails) {
        const std::string text = "version: 1\nguardrails: {" + std::string(line) + "}\n" + rule + "\n";
        EXPECT_EQ(validator().valid(document(text)), right) << line;
        EXPECT_EQ(load(text, "rules.yaml").rules.has_value(), right) << line;
    }
    const std::pair<const char*, bool> kSteps[] = {
        {"resize: {strategy: oom-bump, max_bumps: 2, if: fn.errors > 0}", true},
        {"concurrency: {most: 20}", true},
        {"concurrency: {most: 20, reserve: 5, if: fn.errors > 0}", true},
        {"concurrency: {}", false},
        {"concurrency: {most: 0}", false},
        {"keep_warm: {most: 20, if: fn.errors > 0}", true},
        {"keep_warm: {}", false},
        {"keep_warm: {most: 20, reserve: 5}", false},
        {"resize:", true},
        {"resize: {strategy: big}", false},
        {"resize: {tariff: [cloud-run]}", false},
        {"recluster: {op: split}", true},
        {"recluster: {op: fuse, last: 6h}", true},
        {"recluster: {op: fuse, last: 6}", false},
        {"recluster: {}", false},
        {"cache: {ttl: 60s}", true},
        {"cache: {ttl: 60}", false},
        {"handover: {}", true},
        {"reboot: {}", false},
        {"notify: {severity: loud}", false}};
    for (const auto& [step, right] : kSteps) {
        const std::string text =
            "version: 1\nrules:\n- name: a\n  when: fn.errors > 0\n  plan:\n  - " + std::string(step) + "\n";
        EXPECT_EQ(validator().valid(document(text)), right) << step;
        EXPECT_EQ(load(text, "rules.yaml").rules.has_value(), right) << step;
    }
}

}  // namespace
}  // namespace autotune::rules
