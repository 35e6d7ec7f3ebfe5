#include "cli/rules_eval.hpp"

#include <algorithm>
#include <cstdio>

#include "cli/exit_status.hpp"
#include "rules/cel/json.hpp"
#include "rules/cel/program.hpp"

namespace autotune::cli {

namespace {

// Columns count characters.
void print(const cel::Issue& issue, std::string_view expression) {
    const std::string_view before = expression.substr(0, issue.offset);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto last = before.rfind('\n');
    const std::string_view start = last == std::string_view::npos ? before : before.substr(last + 1);
    const auto column =
        1 + std::count_if(start.begin(), start.end(), [](char c) { return (c & 0xC0) != 0x80; });
    std::fprintf(stderr, "expression:%td:%td: %s\n", line, column, issue.message.c_str());
}

}  // namespace

int rules_eval(const EvalRequest& request) {
    cel::Bindings values;
    cel::Environment environment{.variables = {}, .container = request.container};
    for (const std::string& json : request.bindings) {
        auto bindings = cel::bindings_from_json(json);
        if (!bindings) {
            std::fprintf(stderr, "autotune rules eval: --bind: %s\n", bindings.error().message.c_str());
            return kUsage;
        }
        for (auto& [name, value] : *bindings) {
            environment.variables.push_back({name, cel::type_of(value)});
            values.emplace_back(name, std::move(value));
        }
    }
    const auto checking = request.check ? cel::Checking::full : cel::Checking::none;
    const cel::Compilation compiled = cel::compile(request.expression, environment, checking);
    for (const cel::Issue& issue : compiled.issues) print(issue, request.expression);
    if (!compiled.program) return kFailed;
    const auto lookup = [&](std::size_t variable) { return values[variable].second; };
    const cel::Value value = compiled.program->evaluate(lookup);
    if (!value.usable()) {
        const auto* failure = value.get<cel::Failure>();
        std::fprintf(stderr, "autotune rules eval: %s\n",
                     failure ? failure->message.c_str() : "the value is unknown");
        return kFailed;
    }
    std::puts(cel::to_json(value).c_str());
    return kDone;
}

}  // namespace autotune::cli
