// autotune rules eval: the value of one expression.
#pragma once

#include <string>
#include <vector>

namespace autotune::cli {

struct EvalRequest {
    std::string expression;
    std::vector<std::string> bindings;  // JSON objects of variables, in the form of rules/cel/json.hpp
    std::string container;
    bool check = true;
};

// Prints the value as JSON on stdout and returns kDone. What is wrong with the expression, or fails in its
// evaluation, goes to stderr as expression:line:column: message: kFailed. Bindings that cannot be read:
// kUsage.
[[nodiscard]] int rules_eval(const EvalRequest& request);

}  // namespace autotune::cli
