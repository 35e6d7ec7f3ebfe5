// Reads workflows: Amazon States Language (JSON or YAML), and OpenWhisk's actions of kind sequence (JSON:
// one, a list of them, or what `wsk action get` prints).
//
// Of States Language the graph is read, not the data: JSONPath and JSONata are not evaluated. Specification:
// https://states-language.net/spec.html.
#pragma once

#include <string_view>
#include <vector>

#include "core/workflow.hpp"
#include "rules/diagnostic.hpp"
#include "rules/yaml/json.hpp"

namespace autotune::rules {

struct LoadedWorkflows {
    std::vector<Workflow> workflows;  // empty when there is an error
    std::vector<Diagnostic> diagnostics;
};

// `name`: of a state machine, which has none of its own. Every mistake is told, with its place.
[[nodiscard]] LoadedWorkflows load_workflows(std::string_view text, Syntax syntax, std::string_view name);

}  // namespace autotune::rules
