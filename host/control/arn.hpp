// How callers name functions: "name", "name:live", "123456789012:function:name", full ARNs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace autotune::host {

// Where this host says it is. ARNs of another region or account are not found here.
struct Home {
    std::string region = "us-east-1";
    std::string account = "000000000000";
};

struct FunctionName {
    std::string name;       // plain
    std::string qualifier;  // version, alias or empty
};

// Parses the member FunctionName (already percent-decoded). Errors: ValidationException for a name that
// is none, ResourceNotFoundException for another region or account.
[[nodiscard]] Result<FunctionName> parse_function_name(std::string_view text, const Home& home);

// As above, for operations that also take ?Qualifier=; the two must agree when both are given.
[[nodiscard]] Result<FunctionName> parse_qualified_name(std::string_view text, std::string_view qualifier,
                                                        const Home& home);

[[nodiscard]] bool is_version_number(std::string_view text);  // "1", "27"; not "0", "01", "$LATEST"
[[nodiscard]] bool is_alias_name(std::string_view text);      // letters, digits, - and _; not only digits

// "arn:aws:lambda:REGION:ACCOUNT:function:NAME", with ":QUALIFIER" unless that is empty.
[[nodiscard]] std::string function_arn(const Home& home, std::string_view name,
                                       std::string_view qualifier = "");

inline constexpr std::string_view latest_version = "$LATEST";

}  // namespace autotune::host
