#include "host/control/arn.hpp"

#include <algorithm>
#include <vector>

#include "host/control/faults.hpp"

namespace autotune::host {
namespace {

constexpr std::string_view name_pattern =
    "Member must satisfy regular expression pattern: "
    "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?"
    "([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?";

bool is_word(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_';
    });
}

bool is_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_account(std::string_view text) { return text.size() == 12 && is_digits(text); }

// "us-east-1", "us-gov-west-1": words and a digit between hyphens.
bool is_region(std::string_view text) {
    return text.size() >= 7 && text[2] == '-' && text[text.size() - 2] == '-' &&
           is_digits(text.substr(text.size() - 1));
}

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> parts;
    for (std::size_t from = 0;;) {
        const auto colon = text.find(':', from);
        parts.push_back(text.substr(from, colon - from));
        if (colon == std::string_view::npos) return parts;
        from = colon + 1;
    }
}

Unexpected bad_name(std::string_view text) {
    return constraint_fault("'" + std::string(text) + "'", "functionName", name_pattern);
}

}  // namespace

bool is_version_number(std::string_view text) {
    return is_digits(text) && text.front() != '0' && text.size() <= 18;
}

bool is_alias_name(std::string_view text) { return is_word(text) && !is_digits(text) && text.size() <= 128; }

std::string function_arn(const Home& home, std::string_view name, std::string_view qualifier) {
    std::string arn = "arn:aws:lambda:" + home.region + ":" + home.account + ":function:";
    arn.append(name);
    if (!qualifier.empty()) arn.append(":").append(qualifier);
    return arn;
}

Result<FunctionName> parse_function_name(std::string_view text, const Home& home) {
    if (text.size() > 140)
        return constraint_fault("'" + std::string(text) + "'", "functionName",
                                "Member must have length less than or equal to 140");
    auto parts = split(text);
    std::size_t at = 0;
    if (parts.size() > 3 && parts[0] == "arn" && parts[1].substr(0, 3) == "aws" && parts[2] == "lambda")
        at = 3;
    std::string_view region, account;
    if (at + 1 < parts.size() && is_region(parts[at])) region = parts[at++];
    if (at + 1 < parts.size() && is_account(parts[at])) account = parts[at++];
    if (at + 1 < parts.size() && parts[at] == "function") ++at;
    const auto left = parts.size() - at;
    if (at >= parts.size() || left > 2 || !is_word(parts[at])) return bad_name(text);
    FunctionName name{std::string(parts[at]), left == 2 ? std::string(parts[at + 1]) : ""};
    if (left == 2 && name.qualifier != latest_version && !is_word(name.qualifier)) return bad_name(text);
    if (name.name.size() > 64)
        return lambda_fault(Fault::invalid_parameter,
                            "1 validation error detected: Value '" + name.name +
                                "' at 'functionName' failed to satisfy constraint: Member "
                                "must have length less than or equal to 64");
    if (!region.empty() && region != home.region)
        return lambda_fault(Fault::not_found, "Functions from '" + std::string(region) +
                                                  "' are not reachable in this region ('" + home.region +
                                                  "')");
    if (!account.empty() && account != home.account)
        return lambda_fault(Fault::not_found, "Function not found: " + std::string(text));
    return name;
}

Result<FunctionName> parse_qualified_name(std::string_view text, std::string_view qualifier,
                                          const Home& home) {
    auto name = parse_function_name(text, home);
    if (!name || qualifier.empty()) return name;
    if (qualifier != latest_version && !is_word(qualifier))
        return constraint_fault("'" + std::string(qualifier) + "'", "qualifier",
                                "Member must satisfy regular expression pattern: (|[a-zA-Z0-9$_-]+)");
    if (qualifier.size() > 128)
        return constraint_fault("'" + std::string(qualifier) + "'", "qualifier",
                                "Member must have length less than or equal to 128");
    if (!name->qualifier.empty() && name->qualifier != qualifier)
        return lambda_fault(
            Fault::invalid_parameter,
            "The derived qualifier from the function name does not match the specified qualifier.");
    name->qualifier = qualifier;
    return name;
}

}  // namespace autotune::host
