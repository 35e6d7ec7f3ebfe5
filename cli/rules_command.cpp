#include "cli/rules_command.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/exit_status.hpp"
#include "cli/rules_eval.hpp"
#include "cli/rules_file.hpp"
#include "cli/rules_test.hpp"

namespace autotune {
namespace {

struct Arguments {
    std::string file;
    bool json = false;
};

struct StepName {
    std::string operator()(const rules::ResizeStep&) const { return "resize"; }
    std::string operator()(const rules::WrapStep& w) const { return w.remedy; }
    std::string operator()(const rules::ConcurrencyStep&) const { return "concurrency"; }
    std::string operator()(const rules::KeepWarmStep&) const { return "keep_warm"; }
    std::string operator()(const rules::ReclusterStep& r) const { return std::string(to_string(r.op)); }
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

nlohmann::json as_json(const rules::Rule& rule, const std::string& file) {
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
            {"file", rule.file.empty() ? file : rule.file},
            {"line", rule.at.line}};
}

void print_json(const std::string& file, const rules::Loaded& loaded) {
    nlohmann::json out{{"file", file}, {"ok", loaded.rules.has_value()}};
    out["diagnostics"] = nlohmann::json::array();
    for (const rules::Diagnostic& d : loaded.diagnostics)
        out["diagnostics"].push_back(
            {{"kind", d.kind == rules::Diagnostic::Kind::error ? "error" : "warning"},
             {"file", d.file.empty() ? file : d.file},
             {"line", d.at.line},
             {"column", d.at.column},
             {"message", d.message}});
    out["rules"] = nlohmann::json::array();
    if (loaded.rules)
        for (const rules::Rule& rule : loaded.rules->rules) out["rules"].push_back(as_json(rule, file));
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

// An expression may begin with '-', so of the arguments of eval only its own options are any: all else is put
// behind a "--".
std::vector<char*> with_expression_last(int argc, char** argv) {
    static char separator[] = "--";
    std::vector<char*> options(argv, argv + 2), expressions;
    for (int i = 2; i < argc; ++i) {
        const std::string_view word = argv[i];
        const bool takes_value = word == "--bind" || word == "--container";
        const bool option = takes_value || word == "--no-check" || word == "--json" || word == "--help" ||
                            word == "-h" || word.starts_with("--bind=") || word.starts_with("--container=");
        if (word == "--") {
            expressions.insert(expressions.end(), argv + i + 1, argv + argc);
            break;
        }
        (option ? options : expressions).push_back(argv[i]);
        if (takes_value && i + 1 < argc) options.push_back(argv[++i]);
    }
    options.push_back(separator);
    options.insert(options.end(), expressions.begin(), expressions.end());
    return options;
}

}  // namespace

int rules_command(int argc, char** argv) {
    CLI::App app("Looks at rules files", argv[0]);
    app.require_subcommand(1);
    constexpr auto kExamples =
        "examples:\n  autotune rules check rules.yaml\n  autotune rules test rules_test.yaml\n  autotune "
        "rules check --json rules.yaml | jq "
        ".diagnostics\n  autotune rules eval 'x > 1.5' --bind '{\"x\": {\"double\": \"2\"}}'";
    app.footer(kExamples);
    Arguments arguments;
    CLI::App* checking =
        app.add_subcommand("check", "read a rules file and say everything that is wrong with it");
    checking->footer(kExamples);
    checking->add_option("FILE", arguments.file, "rules file")->required();
    checking->add_flag("--json", arguments.json, "print the rules and the diagnostics as JSON");
    cli::TestRequest tests;
    CLI::App* testing =
        app.add_subcommand("test", "run tests of rules: facts over time, and what must be planned");
    testing->footer(
        "examples:\n  autotune rules test examples/rules_test.yaml\n  autotune rules test --json "
        "tests/*.yaml");
    testing->add_option("FILE", tests.files, "files of tests")->required();
    testing->add_flag("--json", tests.json, "print the results as JSON");
    cli::EvalRequest request;
    CLI::App* evaluating = app.add_subcommand("eval", "print the value of a CEL expression, as JSON");
    evaluating->footer(
        "examples:\n  autotune rules eval '[1, 2, 3].filter(i, i > 1)'\n"
        "  autotune rules eval 'x > duration(\"1s\")' --bind '{\"x\": {\"duration\": {\"seconds\": "
        "\"2\"}}}'");
    evaluating->add_option("EXPR", request.expression, "the expression")->required();
    evaluating->add_option("--bind", request.bindings, "JSON object of variables: {\"x\": {\"int\": \"1\"}}")
        ->allow_extra_args(false);
    evaluating->add_option("--container", request.container, "where names are looked for first: a.b");
    bool unchecked = false;
    evaluating->add_flag("--no-check", unchecked, "evaluate without checking types first");
    evaluating->add_flag("--json", arguments.json, "as it is in any case");
    const bool evaluate = argc > 1 && std::string_view(argv[1]) == "eval";
    std::vector<char*> words =
        evaluate ? with_expression_last(argc, argv) : std::vector<char*>(argv, argv + argc);
    if (const auto over = cli::read_arguments(app, static_cast<int>(words.size()), words.data()))
        return *over;
    request.check = !unchecked;
    if (testing->parsed()) return cli::rules_test(tests);
    return evaluate ? cli::rules_eval(request) : check(arguments);
}

}  // namespace autotune
