#include <nlohmann/json.hpp>

#include "net/url.hpp"
#include "providers/aws_lambda_api.hpp"
#include "providers/base64.hpp"
#include "providers/tuning.hpp"

namespace autotune::aws_lambda {

namespace {
using net::HttpRequest;
using nlohmann::json;

constexpr std::string_view kFunctions = "/2015-03-31/functions/";
// The most that every list call allows.
constexpr std::string_view kPageSize = "50";

std::string path_of(std::string_view name, std::string_view rest = "") {
    return std::string(kFunctions) + net::percent_encode(name) + std::string(rest);
}

std::string page_of(std::string path, std::string_view marker) {
    path.append("?MaxItems=").append(kPageSize);
    if (!marker.empty()) path += "&Marker=" + net::percent_encode(marker);
    return path;
}

HttpRequest with_body(std::string_view method, std::string target, const json& body) {
    return {.method = std::string(method),
            .target = std::move(target),
            .headers = {{"Content-Type", "application/json"}},
            .body = body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

void expect(json& body, const Etag& etag) {
    if (!etag.empty()) body["RevisionId"] = etag;
}

// Lambda counts whole seconds; a limit is never shortened.
std::int64_t seconds_of(Nanos limit) { return std::chrono::ceil<std::chrono::seconds>(limit).count(); }

json settings_of(const Package& package) {
    const FunctionConfig& c = package.config;
    const std::string& runtime = package.runtime.empty() ? c.runtime : package.runtime;
    const std::string& handler = package.handler.empty() ? c.handler : package.handler;
    json body = json::object();
    if (!runtime.empty()) body["Runtime"] = runtime;
    if (!handler.empty()) body["Handler"] = handler;
    if (c.memory_mb != 0) body["MemorySize"] = c.memory_mb;
    if (c.timeout != Nanos(0)) body["Timeout"] = seconds_of(c.timeout);
    if (!c.environment.empty()) body["Environment"] = {{"Variables", c.environment}};
    return body;
}
}  // namespace

HttpRequest list_functions(std::string_view marker) {
    return {.target = page_of(std::string(kFunctions), marker)};
}

HttpRequest get_function(std::string_view name, std::string_view qualifier) {
    std::string target = path_of(name);
    if (!qualifier.empty()) target += "?Qualifier=" + net::percent_encode(qualifier);
    return {.target = std::move(target)};
}

HttpRequest get_configuration(std::string_view name, std::string_view qualifier) {
    std::string target = path_of(name, "/configuration");
    if (!qualifier.empty()) target += "?Qualifier=" + net::percent_encode(qualifier);
    return {.target = std::move(target)};
}

HttpRequest list_versions(std::string_view name, std::string_view marker) {
    return {.target = page_of(path_of(name, "/versions"), marker)};
}

HttpRequest list_aliases(std::string_view name, std::string_view marker) {
    return {.target = page_of(path_of(name, "/aliases"), marker)};
}

HttpRequest create_function(std::string_view name, const Package& package, std::string_view role) {
    json body = settings_of(package);
    body["FunctionName"] = name;
    body["Role"] = role;
    body["PackageType"] = "Zip";
    body["Code"] = {{"ZipFile", to_base64(package.zip)}};
    if (!package.config.architecture.empty()) body["Architectures"] = {package.config.architecture};
    if (!package.labels.empty()) body["Tags"] = package.labels;
    return with_body("POST", "/2015-03-31/functions", body);
}

HttpRequest update_code(std::string_view name, const Package& package, const Etag& expected) {
    json body{{"ZipFile", to_base64(package.zip)}};
    expect(body, expected);
    return with_body("PUT", path_of(name, "/code"), body);
}

HttpRequest update_configuration(std::string_view name, const ConfigDelta& delta, const Etag& expected) {
    json body = json::object();
    if (delta.memory_mb) body["MemorySize"] = *delta.memory_mb;
    if (delta.timeout) body["Timeout"] = seconds_of(*delta.timeout);
    if (delta.handler) body["Handler"] = *delta.handler;
    if (delta.layers) body["Layers"] = *delta.layers;
    if (delta.environment) body["Environment"] = {{"Variables", *delta.environment}};
    expect(body, expected);
    return with_body("PUT", path_of(name, "/configuration"), body);
}

HttpRequest update_settings(std::string_view name, const Package& package, const Etag& expected) {
    json body = settings_of(package);
    expect(body, expected);
    return with_body("PUT", path_of(name, "/configuration"), body);
}

HttpRequest publish_version(std::string_view name, const Etag& expected) {
    json body = json::object();
    expect(body, expected);
    return with_body("POST", path_of(name, "/versions"), body);
}

HttpRequest update_alias(std::string_view name, const Routing& routing) {
    // An empty map ends a split; leaving the field out would keep it.
    json weights = json::object();
    if (routing.candidate) weights[*routing.candidate] = routing.weight;
    json body{{"FunctionVersion", routing.stable},
              {"RoutingConfig", {{"AdditionalVersionWeights", weights}}}};
    expect(body, routing.etag);
    return with_body("PUT", path_of(name, "/aliases/" + net::percent_encode(routing.alias)), body);
}

HttpRequest invoke(std::string_view name, std::string_view qualifier, std::string_view payload) {
    HttpRequest request{.method = "POST",
                        .target = path_of(name, "/invocations"),
                        .headers = {{"Content-Type", "application/json"},
                                    {"X-Amz-Invocation-Type", "RequestResponse"},
                                    {"X-Amz-Log-Type", "Tail"}},
                        .body = std::string(payload)};
    if (!qualifier.empty()) request.target += "?Qualifier=" + net::percent_encode(qualifier);
    return request;
}

bool is_invocation(const HttpRequest& request) { return request.headers.contains("X-Amz-Invocation-Type"); }

HttpRequest delete_function(std::string_view name) { return {.method = "DELETE", .target = path_of(name)}; }

HttpRequest tag(std::string_view arn, std::string_view key, std::string_view value) {
    return with_body("POST", "/2017-03-31/tags/" + net::percent_encode(arn), {{"Tags", {{std::string(key), std::string(value)}}}});
}

HttpRequest untag(std::string_view arn, std::string_view key) {
    return {.method = "DELETE", .target = "/2017-03-31/tags/" + net::percent_encode(arn) + "?tagKeys=" + net::percent_encode(key)};
}

// GetFunctionConcurrency, PutFunctionConcurrency and DeleteFunctionConcurrency are of different dates.
HttpRequest get_concurrency(std::string_view name) {
    return {.target = "/2019-09-30/functions/" + net::percent_encode(name) + "/concurrency"};
}

HttpRequest set_concurrency(std::string_view name, std::optional<std::uint32_t> reserved) {
    std::string target = "/2017-10-31/functions/" + net::percent_encode(name) + "/concurrency";
    if (!reserved) return {.method = "DELETE", .target = std::move(target)};
    return with_body("PUT", std::move(target), {{"ReservedConcurrentExecutions", *reserved}});
}

namespace {
std::string provisioned_path(std::string_view name, std::string_view alias) {
    return "/2019-09-30/functions/" + net::percent_encode(name) + "/provisioned-concurrency?Qualifier=" + net::percent_encode(alias);
}
}  // namespace

HttpRequest get_provisioned(std::string_view name, std::string_view alias) { return {.target = provisioned_path(name, alias)}; }

HttpRequest set_provisioned(std::string_view name, std::string_view alias, std::optional<std::uint32_t> wanted) {
    if (!wanted) return {.method = "DELETE", .target = provisioned_path(name, alias)};
    return with_body("PUT", provisioned_path(name, alias), {{"ProvisionedConcurrentExecutions", *wanted}});
}

HttpRequest observations(std::string_view after) {
    return {.target = "/autotune/observations" + (after.empty() ? "" : "?after=" + net::percent_encode(after))};
}

HttpRequest publish_layer(const Layer& layer) {
    return with_body("POST", "/2018-10-31/layers/" + net::percent_encode(layer.name) + "/versions",
                     {{"Description", layer.description},
                      {"Content", {{"ZipFile", to_base64(layer.zip)}}},
                      {"CompatibleRuntimes", layer.runtimes}});
}

HttpRequest list_layer_versions(std::string_view name) {
    return {.target = "/2018-10-31/layers/" + net::percent_encode(name) + "/versions?MaxItems=1"};
}

std::string one_line(const HttpRequest& request) {
    std::string line = request.method + " " + request.target;
    if (request.body.empty()) return line;
    json body = json::parse(request.body, nullptr, false);
    if (body.is_object() && body.contains("Environment"))
        for (auto& [name, value] : body["Environment"]["Variables"].items())
            if (name != kRemedyVariable) value = "…";
    if (body.is_object() && body.contains("Content")) body["Content"] = {{"ZipFile", "…"}};
    if (body.is_object() && body.contains("ZipFile")) body["ZipFile"] = "…";
    return line + " " + (body.is_discarded() ? request.body : body.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace autotune::aws_lambda
