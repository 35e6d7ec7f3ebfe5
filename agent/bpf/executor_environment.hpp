// Which function a process is the executor of, from its environment (Lambda's variables). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/endpoint.hpp"

namespace autotune {

struct ExecutorEnvironment {
    std::string function;         // AWS_LAMBDA_FUNCTION_NAME; may be empty
    std::string version;          // AWS_LAMBDA_FUNCTION_VERSION
    std::string runtime;          // AWS_EXECUTION_ENV without "AWS_Lambda_"
    std::uint32_t memory_mb = 0;  // AWS_LAMBDA_FUNCTION_MEMORY_SIZE
    bool kept_warm = false;       // AWS_LAMBDA_INITIALIZATION_TYPE is provisioned-concurrency
    Endpoint runtime_api;         // AWS_LAMBDA_RUNTIME_API; a name instead of an address: loopback assumed
};

// `environment`: NAME=value, NUL after each. nullopt when there is no AWS_LAMBDA_RUNTIME_API.
[[nodiscard]] std::optional<ExecutorEnvironment> parse_executor_environment(std::string_view environment);

}  // namespace autotune
