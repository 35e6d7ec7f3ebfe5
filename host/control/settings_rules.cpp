// check_settings(): what Lambda allows a function's settings to be. Limits: the service's quotas page.
#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>

#include "host/control/faults.hpp"
#include "host/control/store.hpp"

namespace autotune::host {
namespace {

constexpr std::size_t environment_limit = 4096;

// Set by the host itself in every sandbox; TZ and the search paths may be changed by the function.
constexpr std::array<std::string_view, 17> reserved_names{"_HANDLER",
                                                          "_X_AMZN_TRACE_ID",
                                                          "AWS_ACCESS_KEY",
                                                          "AWS_ACCESS_KEY_ID",
                                                          "AWS_DEFAULT_REGION",
                                                          "AWS_EXECUTION_ENV",
                                                          "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                                                          "AWS_LAMBDA_FUNCTION_NAME",
                                                          "AWS_LAMBDA_FUNCTION_VERSION",
                                                          "AWS_LAMBDA_INITIALIZATION_TYPE",
                                                          "AWS_LAMBDA_LOG_GROUP_NAME",
                                                          "AWS_LAMBDA_LOG_STREAM_NAME",
                                                          "AWS_LAMBDA_RUNTIME_API",
                                                          "AWS_REGION",
                                                          "AWS_SECRET_ACCESS_KEY",
                                                          "AWS_SESSION_TOKEN",
                                                          "LAMBDA_TASK_ROOT"};

std::string in_quotes(std::string_view text) { return "'" + std::string(text) + "'"; }

Status check_range(std::uint32_t value, std::string_view member, std::uint32_t low, std::uint32_t high) {
    if (value < low)
        return constraint_fault(in_quotes(std::to_string(value)), member,
                                "Member must have value greater than or equal to " + std::to_string(low));
    if (value > high)
        return constraint_fault(in_quotes(std::to_string(value)), member,
                                "Member must have value less than or equal to " + std::to_string(high));
    return ok();
}

// "python3.11": what stands between is a number of at most two digits.
bool is_numbered(std::string_view runtime, std::string_view prefix, std::string_view suffix) {
    if (!runtime.starts_with(prefix) || !runtime.ends_with(suffix) || runtime.size() <= prefix.size() + suffix.size()) return false;
    const auto number = runtime.substr(prefix.size(), runtime.size() - prefix.size() - suffix.size());
    return number.size() <= 2 &&
           std::all_of(number.begin(), number.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

Status check_runtime(const std::string& runtime) {
    if (is_numbered(runtime, "python3.", "") || is_numbered(runtime, "nodejs", ".x") || runtime == "provided" ||
        runtime == "provided.al2" || runtime == "provided.al2023")
        return ok();
    return lambda_fault(Fault::invalid_parameter,
                        "Value " + runtime +
                            " at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
                            "[python3.x, nodejsN.x, provided, provided.al2, provided.al2023] or be a valid ARN");
}

bool is_variable_name(std::string_view name) {
    return name.size() >= 2 && std::isalpha(static_cast<unsigned char>(name.front())) != 0 &&
           std::all_of(name.begin(), name.end(),
                       [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

Status check_environment(const std::map<std::string, std::string>& environment) {
    constexpr std::string_view opening =
        "Lambda was unable to configure your environment variables because the environment variables you "
        "have "
        "provided ";
    std::string reserved;
    for (const auto& [name, value] : environment) {
        if (std::find(reserved_names.begin(), reserved_names.end(), name) != reserved_names.end())
            reserved += (reserved.empty() ? "" : ", ") + name;
        else if (!is_variable_name(name))
            return constraint_fault(
                "'{" + name + "=****}'", "environment.variables",
                "Map keys must satisfy constraint: [Member must satisfy regular expression "
                "pattern: [a-zA-Z]([a-zA-Z0-9_])+]");
        else if (value.find('\0') != std::string::npos)
            return lambda_fault(Fault::invalid_parameter,
                                "The value of environment variable " + name + " contains a NUL character");
    }
    if (!reserved.empty())
        return lambda_fault(
            Fault::invalid_parameter,
            std::string(opening) +
                "contains reserved keys that are currently not supported for modification. Reserved "
                "keys used in this request: " +
                reserved);
    const auto measured =
        nlohmann::json(environment).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (measured.size() > environment_limit)
        return lambda_fault(Fault::invalid_parameter,
                            std::string(opening) + "exceeded the 4KB limit. String measured: " + measured);
    return ok();
}

}  // namespace

Status check_settings(const Settings& settings, std::string_view description) {
    if (auto s = check_runtime(settings.runtime); !s) return s;
    if (settings.handler.size() > 128)
        return constraint_fault(in_quotes(settings.handler), "handler",
                                "Member must have length less than or equal to 128");
    if (settings.handler.empty() ||
        std::any_of(settings.handler.begin(), settings.handler.end(),
                    [](unsigned char c) { return std::isspace(c) != 0 || c == 0; }))
        return constraint_fault(in_quotes(settings.handler), "handler",
                                "Member must satisfy regular expression pattern: [^\\s]+");
    if (auto s = check_range(settings.memory_mb, "memorySize", 128, 10240); !s) return s;
    if (auto s = check_range(settings.timeout_s, "timeout", 1, 900); !s) return s;
    if (auto s = check_range(settings.ephemeral_mb, "ephemeralStorage.size", 512, 10240); !s) return s;
    if (description.size() > 256)
        return constraint_fault(in_quotes(description), "description",
                                "Member must have length less than or equal to 256");
    return check_environment(settings.environment);
}

}  // namespace autotune::host
