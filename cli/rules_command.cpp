#include "cli/rules_command.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/arguments.hpp"
#include "cli/exit_status.hpp"
#include "cli/rules_file.hpp"

namespace autotune {
namespace {

struct Arguments {
    std::string file;
    bool json = false;
};

struct StepName {
    std::string operator()(const rules::ResizeStep&) const { return "resize"; }
    std::string operator()(const rules::NotifyStep&) const { return "notify"; }
    std::string operator()(const rules::SuggestStep& s) const { return "suggest " + s.remedy; }
};

std::string duration(Nanos d) {
    const auto s = std::chrono::duration_cast<std::chrono::seconds>(d).count();
    if (s % 3600 == 0 && s > 0) return std::to_string(s / 3600) + "h";
    if (s % 60 == 0 && s > 0) return std::to_string(s / 60) + "m";
    return std::to_string(s) + "s";
}

void print_table(const rules::RuleSet& set) {
    std::printf("%s: %zu %s\n", set.file.c_str(), set.rules.size(), set.rules.size() == 1 ? "rule" : "rules");
    for (const rules::Rule& rule : set.rules) {
        std::string plan;
        for (const rules::PlanStep& step : rule.plan)
            plan += (plan.empty() ? "" : ", ") + std::visit(StepName{}, step.what);
        std::printf("  %s: %s, priority %lld, functions %s, over %s\n    when %s\n    then %s\n",
                    rule.name.c_str(), std::string(to_string(rule.mode)).c_str(),
                    static_cast<long long>(rule.priority), rule.scope.functions.c_str(),
                    duration(rule.window).c_str(), rule.when.text.c_str(), plan.c_str());
    }
}

nlohmann::json as_json(const rules::Rule& rule) {
    nlohmann::json plan = nlohmann::json::array();
    for (const rules::PlanStep& step : rule.plan) plan.push_back(std::visit(StepName{}, step.what));
    return {{"name", rule.name},
            {"priority", rule.priority},
            {"mode", to_string(rule.mode)},
            {"functions", rule.scope.functions},
            {"labels", rule.scope.labels},
            {"when", rule.when.text},
            {"window_s", to_seconds(rule.window)},
            {"for_s", to_seconds(rule.hold_for)},
            {"cooldown_s", to_seconds(rule.cooldown)},
            {"plan", std::move(plan)},
            {"line", rule.at.line}};
}

void print_json(const std::string& file, const rules::Loaded& loaded) {
    nlohmann::json out{{"file", file}, {"ok", loaded.rules.has_value()}};
    out["diagnostics"] = nlohmann::json::array();
    for (const rules::Diagnostic& d : loaded.diagnostics)
        out["diagnostics"].push_back(
            {{"kind", d.kind == rules::Diagnostic::Kind::error ? "error" : "warning"},
             {"line", d.at.line},
             {"column", d.at.column},
             {"message", d.message}});
    out["rules"] = nlohmann::json::array();
    if (loaded.rules)
        for (const rules::Rule& rule : loaded.rules->rules) out["rules"].push_back(as_json(rule));
    // File names may hold any byte.
    std::puts(out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

int check(const Arguments& arguments) {
    const auto read = cli::load_rules_file(arguments.file);
    if (!read) {
        std::fprintf(stderr, "autotune rules check: %s\n", read.error().message.c_str());
        return cli::kUsage;
    }
    const rules::Loaded& loaded = *read;
    if (arguments.json)
        print_json(arguments.file, loaded);
    else if (loaded.rules)
        print_table(*loaded.rules);
    return loaded.rules ? cli::kDone : cli::kUsage;
}

}  // namespace

int rules_command(int argc, char** argv) {
    CLI::App app("Looks at rules files", argv[0]);
    app.require_subcommand(1);
    constexpr auto kExamples =
        "examples:\n  autotune rules check rules.yaml\n  autotune rules check --json rules.yaml | jq "
        ".diagnostics";
    app.footer(kExamples);
    Arguments arguments;
    CLI::App* checking =
        app.add_subcommand("check", "read a rules file and say everything that is wrong with it");
    checking->footer(kExamples);
    checking->add_option("FILE", arguments.file, "rules file")->required();
    checking->add_flag("--json", arguments.json, "print the rules and the diagnostics as JSON");
    if (const auto over = cli::read_arguments(app, argc, argv)) return *over;
    return check(arguments);
}

}  // namespace autotune
