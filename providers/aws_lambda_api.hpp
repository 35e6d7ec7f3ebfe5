// AWS Lambda's control API of 2015-03-31 as values: requests from what is wanted, results from answers.
// Pure: no network, no clock. For this room only.
//
// Answers that are not what the API promises give Errc::unavailable: a proxy or half an answer, not a
// statement of Lambda's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/function.hpp"
#include "core/provider.hpp"
#include "core/result.hpp"
#include "net/http.hpp"

namespace autotune::aws_lambda {

// Requests. `marker` is the NextMarker of the page before, "" for the first. Names may be ARNs.
[[nodiscard]] net::HttpRequest list_functions(std::string_view marker);
[[nodiscard]] net::HttpRequest get_function(std::string_view name, std::string_view qualifier = "");
[[nodiscard]] net::HttpRequest get_configuration(std::string_view name, std::string_view qualifier);
[[nodiscard]] net::HttpRequest list_versions(std::string_view name, std::string_view marker);
[[nodiscard]] net::HttpRequest list_aliases(std::string_view name, std::string_view marker);
[[nodiscard]] net::HttpRequest create_function(std::string_view name, const Package& package,
                                               std::string_view role);
[[nodiscard]] net::HttpRequest update_code(std::string_view name, const Package& package,
                                           const Etag& expected);
[[nodiscard]] net::HttpRequest update_configuration(std::string_view name, const ConfigDelta& delta,
                                                    const Etag& expected);
// Runtime, handler, size, time limit and environment, as far as the package names them.
[[nodiscard]] net::HttpRequest update_settings(std::string_view name, const Package& package,
                                               const Etag& expected);
[[nodiscard]] net::HttpRequest publish_version(std::string_view name, const Etag& expected);
[[nodiscard]] net::HttpRequest update_alias(std::string_view name, const Routing& routing);
[[nodiscard]] net::HttpRequest invoke(std::string_view name, std::string_view qualifier,
                                      std::string_view payload);
[[nodiscard]] bool is_invocation(const net::HttpRequest& request);
[[nodiscard]] net::HttpRequest delete_function(std::string_view name);

// Tags of a function, by its unqualified ARN (2017-03-31).
inline constexpr std::string_view kLeaseTag = "autotune:lease";
[[nodiscard]] net::HttpRequest tag(std::string_view arn, std::string_view key, std::string_view value);
[[nodiscard]] net::HttpRequest untag(std::string_view arn, std::string_view key);
[[nodiscard]] net::HttpRequest get_concurrency(std::string_view name);
[[nodiscard]] net::HttpRequest set_concurrency(std::string_view name, std::optional<std::uint32_t> reserved);
// Provisioned concurrency of an alias (2019-09-30). Where there is none the answer is that exception.
inline constexpr std::string_view kNoneProvisioned = "ProvisionedConcurrencyConfigNotFoundException";
[[nodiscard]] net::HttpRequest get_provisioned(std::string_view name, std::string_view alias);
[[nodiscard]] net::HttpRequest set_provisioned(std::string_view name, std::string_view alias, std::optional<std::uint32_t> wanted);
// The embedded host's own.
[[nodiscard]] net::HttpRequest observations(std::string_view after);

[[nodiscard]] net::HttpRequest publish_layer(const Layer& layer);
[[nodiscard]] net::HttpRequest list_layer_versions(std::string_view name);

// As it may be shown to people: values of variables, which may be secrets, but for the wrapper's own, and code are
// left out. "PUT /2015-03-31/functions/orders/configuration {"MemorySize":256}"
[[nodiscard]] std::string one_line(const net::HttpRequest& request);

// A FunctionConfiguration: the head or one version at one moment.
struct Configuration {
    std::string name;
    std::string arn;            // without a qualifier; "" where not told
    Version version;
    FunctionConfig config;
    Etag etag;
    std::string code_hash;
    Build build;
    std::string state;          // "Active", "Pending", "Failed"; "" where not told (then active)
    std::string update_status;  // "Successful", "InProgress", "Failed"; "" where not told
    std::string reason;         // of a failed state or update
};

template <class Item>
struct Page {
    std::vector<Item> items;
    std::string next_marker;  // "" on the last page
};

struct Function {
    Configuration head;
    std::map<std::string, std::string> tags;
    std::string code_url;  // where the archive can be fetched for some minutes
};

// An answer that is no success: what kind, and Lambda's own words. 404, 409, 412, 429, … as in
// aws_lambda.hpp.
[[nodiscard]] Error error_of(const net::HttpResponse& response);

Result<Configuration> parse_configuration(std::string_view body);
Result<Function> parse_function(std::string_view body);
Result<Page<std::string>> parse_functions(std::string_view body);
Result<Page<Configuration>> parse_versions(std::string_view body);
Result<std::string> parse_layer_version(std::string_view body);          // its ARN
Result<Page<std::string>> parse_layer_versions(std::string_view body);  // ARNs, newest first
Result<Page<Routing>> parse_aliases(std::string_view body);
Result<Routing> parse_alias(std::string_view body);
Result<std::optional<std::uint32_t>> parse_concurrency(std::string_view body);
Result<Warm> parse_provisioned(std::string_view body);
Result<Observations> parse_observations(std::string_view body, std::string_view provider);
Result<Answer> parse_answer(const net::HttpResponse& response);

}  // namespace autotune::aws_lambda
