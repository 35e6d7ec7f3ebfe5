#include "cli/rules_test.hpp"

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/exit_status.hpp"
#include "cli/rules_file.hpp"
#include "rules/fixture/fixture.hpp"

namespace autotune::cli {

namespace {

int complain(const std::string& what) {
    std::fprintf(stderr, "autotune rules test: %s\n", what.c_str());
    return kUsage;
}

void print(const std::vector<rules::Diagnostic>& diagnostics, const std::string& file) {
    for (const rules::Diagnostic& d : diagnostics)
        std::fprintf(stderr, "%s\n", rules::format(d, file).c_str());
}

int run_file(const std::string& file, nlohmann::json* report) {
    const auto text = read_file(file);
    if (!text) return complain(text.error().message);
    const rules::LoadedFixture loaded = rules::load_fixture(*text);
    print(loaded.diagnostics, file);
    if (!loaded.fixture) return kUsage;
    // Beside the file that names it.
    const auto beside = std::filesystem::path(file).parent_path() / loaded.fixture->rules_file;
    const auto rules = load_rules_file(beside.string());
    if (!rules) return complain(rules.error().message);
    if (!rules->rules) return kUsage;
    int status = kDone;
    for (const rules::FixtureTest& test : loaded.fixture->tests) {
        const auto wrong = rules::run(test, *rules->rules);
        print(wrong, file);
        if (!wrong.empty()) status = kFailed;
        if (!report) {
            std::printf("%s %s: %s\n", wrong.empty() ? "ok    " : "FAILED", file.c_str(), test.name.c_str());
            continue;
        }
        nlohmann::json one{
            {"file", file}, {"test", test.name}, {"line", test.at.line}, {"ok", wrong.empty()}};
        one["wrong"] = nlohmann::json::array();
        for (const rules::Diagnostic& d : wrong)
            one["wrong"].push_back({{"line", d.at.line}, {"column", d.at.column}, {"message", d.message}});
        report->push_back(std::move(one));
    }
    return status;
}

}  // namespace

int rules_test(const TestRequest& request) {
    nlohmann::json report = nlohmann::json::array();
    int worst = kDone;
    for (const std::string& file : request.files)
        worst = std::max(worst, run_file(file, request.json ? &report : nullptr));
    if (request.json) {
        const nlohmann::json out{{"ok", worst == kDone}, {"tests", std::move(report)}};
        std::puts(out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    }
    return worst;
}

}  // namespace autotune::cli
