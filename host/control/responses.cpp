#include "host/control/responses.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/control/package.hpp"

namespace autotune::host {
namespace {

// Ordered, so that answers read as Lambda's do.
using json = nlohmann::ordered_json;

std::string dump(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

// Lambda's own spelling of ISO 8601: +0000 for UTC.
std::string lambda_time(WallTime time) {
    auto text = to_rfc3339(time);
    if (text.ends_with('Z')) text.replace(text.size() - 1, 1, "+0000");
    return text;
}

json to_object(const Configuration& c, const Home& home, std::string_view qualifier) {
    const auto& s = c.settings;
    json j{{"FunctionName", c.function},
           {"FunctionArn", function_arn(home, c.function, qualifier)},
           {"Runtime", s.runtime},
           {"Role", s.role},
           {"Handler", s.handler},
           {"CodeSize", c.code.size},
           {"Description", c.description},
           {"Timeout", s.timeout_s},
           {"MemorySize", s.memory_mb},
           {"LastModified", lambda_time(c.last_modified)},
           {"CodeSha256", c.code.sha256},
           {"Version", c.version},
           {"TracingConfig", {{"Mode", s.tracing}}},
           {"RevisionId", c.revision_id},
           // Code is unpacked before the answer, so nothing is ever pending.
           {"State", "Active"},
           {"LastUpdateStatus", "Successful"},
           {"PackageType", "Zip"},
           {"Architectures", json::array({s.architecture})},
           {"EphemeralStorage", {{"Size", s.ephemeral_mb}}},
           {"SnapStart", {{"ApplyOn", "None"}, {"OptimizationStatus", "Off"}}},
           {"LoggingConfig", {{"LogFormat", "Text"}, {"LogGroup", "/aws/lambda/" + c.function}}}};
    if (!s.environment.empty()) j["Environment"]["Variables"] = s.environment;
    for (const auto& layer : s.layers)
        j["Layers"].push_back(json{{"Arn", layer.arn}, {"CodeSize", layer.code.size}});
    return j;
}

json to_object(const LayerVersion& v, const Home& home) {
    json j{{"LayerVersionArn", layer_version_arn(home, v.name, v.number)},
           {"Version", v.number},
           {"Description", v.description},
           {"CreatedDate", lambda_time(v.created)}};
    if (!v.runtimes.empty()) j["CompatibleRuntimes"] = v.runtimes;
    if (!v.architectures.empty()) j["CompatibleArchitectures"] = v.architectures;
    if (!v.license.empty()) j["LicenseInfo"] = v.license;
    return j;
}

json to_object(const Alias& alias, std::string_view function, const Home& home) {
    json j{{"AliasArn", function_arn(home, function, alias.name)},
           {"Name", alias.name},
           {"FunctionVersion", alias.version},
           {"Description", alias.description},
           {"RevisionId", alias.revision_id}};
    if (alias.additional) j["RoutingConfig"]["AdditionalVersionWeights"][*alias.additional] = alias.weight;
    return j;
}

}  // namespace

std::string configuration_json(const Configuration& configuration, const Home& home,
                               std::string_view qualifier) {
    return dump(to_object(configuration, home, qualifier));
}

std::string function_json(const FunctionAnswer& answer, const Home& home) {
    json j{{"Configuration", to_object(answer.configuration, home, answer.qualifier)},
           {"Code", {{"RepositoryType", "S3"}, {"Location", answer.code_url}}}};
    if (!answer.function.tags.empty()) j["Tags"] = answer.function.tags;
    if (answer.function.reserved_concurrency)
        j["Concurrency"]["ReservedConcurrentExecutions"] = *answer.function.reserved_concurrency;
    return dump(j);
}

std::string configurations_json(std::string_view member, const ConfigurationPage& page, const Home& home,
                                ArnStyle style) {
    auto items = json::array();
    for (const auto& c : page.items)
        items.push_back(to_object(c, home, style == ArnStyle::qualified ? std::string_view(c.version) : ""));
    json j{{std::string(member), std::move(items)}};
    if (!page.next.empty()) j["NextMarker"] = page.next;
    return dump(j);
}

std::string alias_json(const Alias& alias, std::string_view function, const Home& home) {
    return dump(to_object(alias, function, home));
}

std::string aliases_json(const AliasPage& page, std::string_view function, const Home& home) {
    json j{{"Aliases", json::array()}};
    for (const auto& alias : page.items) j["Aliases"].push_back(to_object(alias, function, home));
    if (!page.next.empty()) j["NextMarker"] = page.next;
    return dump(j);
}

std::string concurrency_json(const Function& function) {
    auto j = json::object();
    if (function.reserved_concurrency) j["ReservedConcurrentExecutions"] = *function.reserved_concurrency;
    return dump(j);
}

namespace {
json to_object(const ProvisionedAnswer& answer) {
    const bool failed = !answer.state.failure.empty();
    json j{{"RequestedProvisionedConcurrentExecutions", answer.wanted.count},
           {"AvailableProvisionedConcurrentExecutions", std::min(answer.state.available, answer.wanted.count)},
           {"AllocatedProvisionedConcurrentExecutions", std::min(answer.state.allocated, answer.wanted.count)},
           {"Status", failed ? "FAILED" : answer.state.reached ? "READY" : "IN_PROGRESS"},
           {"LastModified", lambda_time(answer.wanted.last_modified)}};
    if (failed) j["StatusReason"] = answer.state.failure;
    return j;
}
}  // namespace

std::string provisioned_json(const ProvisionedAnswer& answer) { return dump(to_object(answer)); }

std::string provisioned_list_json(const std::vector<ProvisionedAnswer>& all) {
    json j{{"ProvisionedConcurrencyConfigs", json::array()}};
    for (const ProvisionedAnswer& answer : all) {
        json one{{"FunctionArn", answer.arn}};
        one.update(to_object(answer));
        j["ProvisionedConcurrencyConfigs"].push_back(std::move(one));
    }
    return dump(j);
}

std::string tags_json(const std::map<std::string, std::string>& tags) { return dump(json{{"Tags", tags}}); }

std::string layer_version_json(const LayerVersion& version, const Home& home, std::string_view url) {
    json j{{"Content", {{"Location", url}, {"CodeSha256", version.code.sha256}, {"CodeSize", version.code.size}}},
           {"LayerArn", layer_arn(home, version.name)}};
    j.update(to_object(version, home));
    return dump(j);
}

std::string layer_versions_json(const LayerPage& page, const Home& home) {
    json j{{"LayerVersions", json::array()}};
    for (const auto& version : page.items) j["LayerVersions"].push_back(to_object(version, home));
    if (!page.next.empty()) j["NextMarker"] = page.next;
    return dump(j);
}

std::string layers_json(const LayerPage& page, const Home& home) {
    json j{{"Layers", json::array()}};
    for (const auto& version : page.items)
        j["Layers"].push_back(json{{"LayerName", version.name},
                                   {"LayerArn", layer_arn(home, version.name)},
                                   {"LatestMatchingVersion", to_object(version, home)}});
    if (!page.next.empty()) j["NextMarker"] = page.next;
    return dump(j);
}

std::string account_json(const AccountUsage& usage) {
    const PackageLimits limits;
    return dump(
        {{"AccountLimit",
          {{"TotalCodeSize", 80'530'636'800},
           {"CodeSizeUnzipped", limits.unzipped},
           {"CodeSizeZipped", limits.zipped},
           {"ConcurrentExecutions", usage.concurrency},
           {"UnreservedConcurrentExecutions", usage.unreserved}}},
         {"AccountUsage", {{"TotalCodeSize", usage.code_bytes}, {"FunctionCount", usage.functions}}}});
}

}  // namespace autotune::host
