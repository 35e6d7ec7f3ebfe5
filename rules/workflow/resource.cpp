#include "rules/workflow/resource.hpp"

#include <algorithm>
#include <vector>

namespace autotune::rules {

namespace {

std::vector<std::string_view> parts_of(std::string_view text) {
    std::vector<std::string_view> out;
    while (true) {
        const auto colon = text.find(':');
        out.push_back(text.substr(0, colon));
        if (colon == std::string_view::npos) return out;
        text.remove_prefix(colon + 1);
    }
}

}  // namespace

std::string name_in_arn(std::string_view arn) {
    const auto parts = parts_of(arn);
    // arn:aws:lambda:region:account:function:NAME[:alias], account:function:NAME[:alias], NAME[:alias]
    for (std::size_t i = 0; i + 1 < parts.size(); ++i)
        if (parts[i] == "function" || parts[i] == "stateMachine" || parts[i] == "activity")
            return std::string(parts[i + 1]);
    return std::string(parts[0] == "arn" ? parts.back() : parts[0]);
}

CalledResource called_resource(std::string_view resource) {
    const auto parts = parts_of(resource);
    if (parts.size() < 6 || parts[0] != "arn") return {.name = std::string(resource)};
    if (parts[2] == "lambda") return {.name = name_in_arn(resource), .is_function = true};
    if (parts[2] != "states") return {.name = std::string(resource)};
    if (parts[5] == "activity") return {.name = "activity:" + name_in_arn(resource)};
    if (parts.size() < 7) return {.name = std::string(resource)};
    // arn:aws:states:::SERVICE:ACTION[.sync|.sync:2|.waitForTaskToken]
    const bool sdk = parts[5] == "aws-sdk" && parts.size() >= 8;
    const std::string service(sdk ? parts[6] : parts[5]);
    std::string action(sdk ? parts[7] : parts[6]);
    const auto dot = action.find('.');
    const std::string pattern = dot == std::string::npos ? "" : action.substr(dot + 1);
    action.erase(std::min(dot, action.size()));
    CalledResource out{.name = service + ":" + action};
    out.is_lambda_invoke = service == "lambda" && action == "invoke";
    out.is_start_execution = service == "states" && action == "startExecution";
    // Jobs and executions go on by themselves unless they are waited for; a message is sent and no more.
    const bool goes_on = out.is_start_execution || service == "sqs" || service == "sns" ||
                         service == "events" || service == "batch" || service == "ecs" || service == "glue" ||
                         service == "codebuild";
    out.waits = !pattern.empty() || !goes_on;
    return out;
}

}  // namespace autotune::rules
