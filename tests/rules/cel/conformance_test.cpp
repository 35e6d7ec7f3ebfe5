// Runs google/cel-spec's conformance cases, as far as they are at hand. The counts may only rise.
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "rules/cel/program.hpp"

namespace autotune::cel {
namespace {

using Json = nlohmann::json;

std::filesystem::path cases_folder() {
    const char* shared = std::getenv("AUTOTUNE_SHARED");
    return (shared ? std::filesystem::path(shared)
                   : std::filesystem::path(AUTOTUNE_SOURCE_DIR) / ".." / "shared") /
           "data" / "cel";
}

std::string from_hex(const std::string& hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return out;
}

// nullopt: of a kind that this version does not have.
std::optional<Value> value_of(const Json& j) {
    const std::string kind = j.begin().key();
    const Json& v = j.begin().value();
    if (kind == "null") return Value(Null{});
    if (kind == "bool") return Value(v.get<bool>());
    if (kind == "int") return Value(static_cast<std::int64_t>(std::stoll(v.get<std::string>())));
    if (kind == "uint") return Value(static_cast<std::uint64_t>(std::stoull(v.get<std::string>())));
    if (kind == "double") return Value(std::stod(v.get<std::string>()));
    if (kind == "string") return Value(v.get<std::string>());
    if (kind == "bytes") return Value(Bytes{from_hex(v.get<std::string>())});
    if (kind == "duration")
        return Value(std::chrono::seconds(std::stoll(v.value("seconds", "0"))) +
                     Nanos(std::stoll(v.value("nanos", "0"))));
    if (kind != "list") return std::nullopt;
    List elements;
    for (const Json& e : v) {
        auto element = value_of(e);
        if (!element) return std::nullopt;
        elements.push_back(std::move(*element));
    }
    return Value::list(std::move(elements));
}

Type type_of(const Value& v) {
    if (!v.elements()) return v.kind();
    Type element = v.elements()->empty() ? Type() : type_of(v.elements()->front());
    for (const Value& e : *v.elements()) element = join(element, type_of(e));
    return Type::list_of(element);
}

// Same kind and same value; NaN is itself here, and −0 is not 0.
bool same(const Value& a, const Value& b) {
    if (a.kind() != b.kind()) return false;
    if (const auto* x = a.get<double>())
        return std::bit_cast<std::uint64_t>(*x) == std::bit_cast<std::uint64_t>(*b.get<double>());
    if (!a.elements()) return equal(a, b);
    return std::equal(a.elements()->begin(), a.elements()->end(), b.elements()->begin(), b.elements()->end(),
                      same);
}

bool passes(const Json& test) {
    Environment environment;
    std::vector<Value> values;
    const Json bindings = test.value("bindings", Json::object());
    for (const auto& [name, json] : bindings.items()) {
        auto value = value_of(json);
        if (!value) return false;
        environment.variables.push_back({name, type_of(*value)});
        values.push_back(std::move(*value));
    }
    const auto checking = test.value("check", true) ? Checking::full : Checking::none;
    const Compilation c = compile(test["expr"].get<std::string>(), environment, checking);
    // An error must be one of evaluation: what does not even compile has not been understood.
    if (!c.program) return false;
    const Value got = c.program->evaluate([&](std::size_t i) { return values[i]; });
    if (test.contains("error")) return got.kind() == Kind::failure;
    const auto wanted = value_of(test["value"]);
    return wanted && same(got, *wanted);
}

TEST(CelConformance, PassesNoFewerCasesThanBefore) {
    const std::map<std::string, int> kPasses{{"basic", 41},     {"comparisons", 305}, {"integer_math", 64},
                                             {"lists", 37},     {"logic", 30},        {"string", 51},
                                             {"timestamps", 17}};
    if (!std::filesystem::exists(cases_folder()))
        GTEST_SKIP() << "optional: no conformance cases at " << cases_folder()
                     << "; AUTOTUNE_SHARED says where they are";
    for (const auto& [name, expected] : kPasses) {
        std::ifstream in(cases_folder() / (name + ".jsonl"));
        ASSERT_TRUE(in) << name;
        int passed = 0;
        std::string failed;
        for (std::string line; std::getline(in, line);) {
            const Json test = Json::parse(line);
            if (passes(test))
                ++passed;
            else
                failed += "\n  " + test["name"].get<std::string>() + ": " + test["expr"].get<std::string>();
        }
        EXPECT_GE(passed, expected) << name << ": not passed:" << failed;
    }
}

}  // namespace
}  // namespace autotune::cel
