// What a task's Resource names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace autotune::rules {

struct CalledResource {
    std::string name;  // "orders", "dynamodb:putItem"; "" when it is a parameter's to say
    bool is_function = false;
    bool waits = true;
    bool is_lambda_invoke = false;    // the function's name is parameter FunctionName
    bool is_start_execution = false;  // the state machine's is StateMachineArn
};

// "arn:aws:lambda:…:function:orders:live", "arn:aws:states:::sqs:sendMessage.waitForTaskToken", …; anything
// else is its own name.
[[nodiscard]] CalledResource called_resource(std::string_view resource);

// The name in a function's or state machine's ARN, partial ARN or name: without account, region and alias.
[[nodiscard]] std::string name_in_arn(std::string_view arn);

}  // namespace autotune::rules
