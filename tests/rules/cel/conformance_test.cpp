// Runs cases in the form of google/cel-spec's conformance suite: those in cases/, and the suite itself as far
// as it is at hand. A line a case: {"name", "expr", "bindings"?, "container"?, "check"?: false, and "value"
// (in the form of rules/cel/json.hpp), "error" or "type"}; beside "error" the "message", where it is ours.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "rules/cel/json.hpp"
#include "rules/cel/program.hpp"

namespace autotune::cel {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

fs::path shared_cases() {
    const char* shared = std::getenv("AUTOTUNE_SHARED");
    return (shared ? fs::path(shared) : fs::path(AUTOTUNE_SOURCE_DIR) / ".." / "shared") / "data" / "cel";
}

// Same kind and same value; NaN is itself here, and −0 is not 0. The order of a map does not count.
bool same(const Value& a, const Value& b) {
    if (a.kind() != b.kind()) return false;
    if (const auto* x = a.get<double>()) {
        const double y = *b.get<double>();
        return (std::isnan(*x) && std::isnan(y)) ||
               std::bit_cast<std::uint64_t>(*x) == std::bit_cast<std::uint64_t>(y);
    }
    if (const auto* x = a.elements())
        return std::equal(x->begin(), x->end(), b.elements()->begin(), b.elements()->end(), same);
    if (!a.map()) return equal(a, b);
    const auto& entries = a.map()->entries();
    return entries.size() == b.map()->entries().size() &&
           std::all_of(entries.begin(), entries.end(), [&](const Map::Entry& e) {
               const Value* other = b.map()->find(e.first);
               return other && same(e.second, *other);
           });
}

// Why the case does not pass; "" when it does.
std::string failure_of(const Json& test) {
    const auto bindings = bindings_from_json(test.value("bindings", Json::object()).dump());
    if (!bindings) return bindings.error().message;
    Environment environment{.variables = {}, .container = test.value("container", "")};
    for (const auto& [name, value] : *bindings) environment.variables.push_back({name, type_of(value)});
    const std::string expression = test["expr"];
    const auto compiled = [&](Checking checking) { return compile(expression, environment, checking); };
    Compilation c = compiled(test.value("check", true) ? Checking::full : Checking::none);
    const bool fails = test.contains("error");
    // An error must be one of evaluation: what does not even parse has not been understood.
    if (!c.program && fails) c = compiled(Checking::none);
    if (!c.program) return "does not compile: " + c.issues[0].message;
    if (test.contains("type") && to_string(c.program->type()) != test["type"].get<std::string>())
        return "is of type " + to_string(c.program->type());
    if (test.value("check_only", false)) return "";
    const auto lookup = [&](std::size_t i) { return (*bindings)[i].second; };
    const Value got = c.program->evaluate(lookup);
    if (fails) {
        const auto* failure = got.get<Failure>();
        return failure && test.value("message", failure->message) == failure->message
                   ? ""
                   : "is " + to_string(got);
    }
    if (!test.contains("value")) return "the case asks for nothing";
    const auto wanted = from_json(test["value"].dump());
    if (!wanted) return wanted.error().message;
    return same(got, *wanted) ? "" : "is " + to_string(got);
}

void run(const fs::path& folder) {
    std::size_t cases = 0;
    for (const auto& file : fs::directory_iterator(folder)) {
        if (file.path().extension() != ".jsonl") continue;
        std::ifstream in(file.path());
        ASSERT_TRUE(in) << file.path();
        for (std::string line; std::getline(in, line); ++cases) {
            const Json test = Json::parse(line);
            const std::string why = failure_of(test);
            EXPECT_EQ(why, "") << file.path().stem() << ' ' << test["name"] << ": " << test["expr"];
        }
    }
    EXPECT_GT(cases, 0u) << "no cases in " << folder;
}

TEST(CelConformance, PassesTheCasesOfThisProject) {
    run(fs::path(AUTOTUNE_SOURCE_DIR) / "tests" / "rules" / "cel" / "cases");
}

TEST(CelConformance, PassesThoseOfTheLanguage) {
    if (!fs::exists(shared_cases()))
        GTEST_SKIP() << "optional: no conformance cases at " << shared_cases()
                     << "; AUTOTUNE_SHARED says where they are";
    run(shared_cases());
}

}  // namespace
}  // namespace autotune::cel
