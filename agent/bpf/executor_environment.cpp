#include "agent/bpf/executor_environment.hpp"

#include <arpa/inet.h>

#include <cstring>

#include "agent/bpf/http_head.hpp"

namespace autotune {
namespace {

Endpoint parse_endpoint(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return {};
    const auto port = parse_number(text.substr(colon + 1));
    if (!port || *port == 0 || *port > 65535) return {};
    const std::string host(text.substr(0, colon));
    Endpoint endpoint = ipv4_endpoint(127, 0, 0, 1, static_cast<std::uint16_t>(*port));
    in_addr v4{};
    if (inet_pton(AF_INET, host.c_str(), &v4) == 1) std::memcpy(endpoint.address.data(), &v4, sizeof v4);
    return endpoint;
}

}  // namespace

std::optional<ExecutorEnvironment> parse_executor_environment(std::string_view environment) {
    ExecutorEnvironment found;
    bool is_executor = false;
    while (!environment.empty()) {
        const std::string_view entry = environment.substr(0, environment.find('\0'));
        environment.remove_prefix(std::min(entry.size() + 1, environment.size()));
        const auto equals = entry.find('=');
        if (equals == std::string_view::npos) continue;
        const std::string_view name = entry.substr(0, equals);
        const std::string_view value = entry.substr(equals + 1);
        if (name == "AWS_LAMBDA_RUNTIME_API") {
            is_executor = true;
            found.runtime_api = parse_endpoint(value);
        } else if (name == "AWS_LAMBDA_FUNCTION_NAME") {
            found.function = value;
        } else if (name == "AWS_LAMBDA_FUNCTION_VERSION") {
            found.version = value;
        } else if (name == "AWS_LAMBDA_FUNCTION_MEMORY_SIZE") {
            const auto size = parse_number(value).value_or(0);
            found.memory_mb = size <= UINT32_MAX ? static_cast<std::uint32_t>(size) : 0;
        } else if (name == "AWS_LAMBDA_INITIALIZATION_TYPE") {
            found.kept_warm = value == "provisioned-concurrency";
        } else if (name == "AWS_EXECUTION_ENV") {
            constexpr std::string_view prefix = "AWS_Lambda_";
            found.runtime = value.starts_with(prefix) ? value.substr(prefix.size()) : value;
        }
    }
    if (!is_executor) return std::nullopt;
    return found;
}

}  // namespace autotune
