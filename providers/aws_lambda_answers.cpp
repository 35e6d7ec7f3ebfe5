#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/json_depth.hpp"
#include "core/json_integer.hpp"
#include "providers/aws_lambda_api.hpp"
#include "providers/base64.hpp"
#include "providers/tuning.hpp"

namespace autotune::aws_lambda {

namespace {
using nlohmann::json;

// All that makes a version what it is, but for its tuning and its variables. Fields that differ between a version and the
// head it was made from (ARN, RevisionId, state, dates) are not among them.
constexpr std::array<const char*, 11> kMadeOf{
    "Runtime",       "Role",        "VpcConfig", "PackageType",       "Architectures",
    "EphemeralStorage", "TracingConfig", "DeadLetterConfig", "KMSKeyArn", "FileSystemConfigs", "ImageConfigResponse"};

Build to_build(const json& j, const FunctionConfig& config, const std::string& code_hash) {
    json rest = json::object();
    for (const char* field : kMadeOf)
        if (j.contains(field)) rest[field] = j[field];
    auto others = config.environment;
    std::string remedy;
    if (const auto found = others.find(std::string(kRemedyVariable)); found != others.end()) {
        remedy = found->second;
        others.erase(found);
    }
    rest["Environment"] = others;
    if (!config.environment_is_known) remedy = kRemedyUnknown;
    return {.tuned = {.memory_mb = config.memory_mb,
                      .timeout = config.timeout,
                      .handler = config.handler,
                      .layers = config.layers,
                      .code_hash = code_hash,
                      .remedy = std::move(remedy)},
            .rest = rest.dump(-1, ' ', false, json::error_handler_t::replace)};
}

Configuration to_configuration(const json& j) {
    Configuration c;
    c.name = j.at("FunctionName").get<std::string>();
    c.version = j.value("Version", "$LATEST");
    c.arn = j.value("FunctionArn", "");
    if (c.arn.ends_with(":" + c.version)) c.arn.resize(c.arn.size() - c.version.size() - 1);
    c.config.memory_mb = integer_of<std::uint32_t>(j.at("MemorySize"));
    if (const auto limit = j.find("Timeout"); limit != j.end())
        c.config.timeout = std::chrono::seconds(integer_of<std::uint16_t>(*limit));  // 900 at most
    c.config.runtime = j.value("Runtime", "");
    c.config.handler = j.value("Handler", "");
    c.config.role = j.value("Role", "");
    if (const auto told = j.find("Environment"); told != j.end()) {
        c.config.environment = told->value("Variables", std::map<std::string, std::string>());
        c.config.environment_is_known = told->contains("Variables") || !told->contains("Error");
    }
    if (const auto told = j.find("Architectures"); told != j.end() && !told->empty()) c.config.architecture = told->front().get<std::string>();
    if (const auto told = j.find("VpcConfig"); told != j.end() && told->is_object()) c.config.network = told->value("VpcId", "");
    if (j.contains("Layers"))
        for (const json& layer : j.at("Layers")) c.config.layers.push_back(layer.at("Arn").get<std::string>());
    c.etag = j.value("RevisionId", "");
    c.code_hash = j.value("CodeSha256", "");
    c.build = to_build(j, c.config, c.code_hash);
    c.state = j.value("State", "");
    c.update_status = j.value("LastUpdateStatus", "");
    c.reason = j.value("LastUpdateStatusReason", j.value("StateReason", ""));
    return c;
}

Routing to_routing(const json& j) {
    Routing r;
    r.alias = j.at("Name").get<std::string>();
    r.stable = j.at("FunctionVersion").get<std::string>();
    r.etag = j.value("RevisionId", "");
    if (j.contains("RoutingConfig") && j.at("RoutingConfig").is_object()) {
        const auto weights =
            j.at("RoutingConfig").value("AdditionalVersionWeights", std::map<std::string, double>());
        if (!weights.empty()) {
            r.candidate = weights.begin()->first;
            r.weight = weights.begin()->second;
        }
    }
    return r;
}

// Fields that are null are as good as missing.
json without_nulls(json j) {
    if (!j.is_structured()) return j;
    for (auto it = j.begin(); it != j.end();) {
        if (it->is_null() && j.is_object()) {
            it = j.erase(it);
        } else {
            *it = without_nulls(std::move(*it));
            ++it;
        }
    }
    return j;
}

template <class Read>
auto parse(std::string_view body, Read read) -> Result<decltype(read(json()))> {
    try {
        if (nests_deeper_than(body)) throw std::length_error("it is nested more than " + std::to_string(kMostJsonLevels) + " levels deep");
        return read(without_nulls(json::parse(body)));
    } catch (const std::exception& e) {  // json's, and of what does not fit
        return fail(Errc::unavailable,
                    std::string("the answer is not what the Lambda API promises: ") + e.what());
    }
}

template <class Int>
std::optional<Int> integer_at(const json& j, const char* name) {
    return j.contains(name) ? std::optional(integer_of<Int>(j.at(name))) : std::nullopt;
}

template <class Item, class Read>
Result<Page<Item>> parse_page(std::string_view body, const char* list, Read read) {
    return parse(body, [&](const json& j) {
        Page<Item> page;
        for (const json& item : j.at(list)) page.items.push_back(read(item));
        page.next_marker = j.value("NextMarker", "");
        return page;
    });
}

Errc kind_of(int status, std::string_view type) {
    if (type.starts_with("ThrottlingException") || type.starts_with("TooManyRequests"))
        return Errc::resource_exhausted;
    switch (status) {
        case 401:
        case 403: return Errc::permission_denied;
        case 404: return Errc::not_found;
        case 408: return Errc::timed_out;
        case 409:
        case 412: return Errc::conflict;
        case 429: return Errc::resource_exhausted;
        default: break;
    }
    return status >= 400 && status < 500 ? Errc::invalid_argument : Errc::unavailable;
}
}  // namespace

Error error_of(const net::HttpResponse& response) {
    std::string type(response.headers.get("X-Amzn-ErrorType"));
    type = type.substr(0, type.find(':'));  // "ResourceConflictException:http://…"
    std::string message;
    const json body = json::parse(response.body, nullptr, false);
    if (body.is_object())
        for (const char* field : {"Message", "message"})
            if (message.empty() && body.contains(field) && body[field].is_string())
                message = body[field].get<std::string>();
    std::string text = "HTTP " + std::to_string(response.status);
    if (!type.empty()) text += " " + type;
    if (!message.empty()) text += ": " + message;
    return {kind_of(response.status, type), std::move(text)};
}

Result<Configuration> parse_configuration(std::string_view body) { return parse(body, to_configuration); }

Result<Function> parse_function(std::string_view body) {
    return parse(body, [](const json& j) {
        return Function{to_configuration(j.at("Configuration")),
                        j.value("Tags", std::map<std::string, std::string>()),
                        j.contains("Code") ? j.at("Code").value("Location", "") : ""};
    });
}

Result<Page<std::string>> parse_functions(std::string_view body) {
    return parse_page<std::string>(body, "Functions",
                                   [](const json& j) { return j.at("FunctionName").get<std::string>(); });
}

Result<Page<Configuration>> parse_versions(std::string_view body) {
    return parse_page<Configuration>(body, "Versions", to_configuration);
}

Result<Page<Routing>> parse_aliases(std::string_view body) {
    return parse_page<Routing>(body, "Aliases", to_routing);
}

Result<std::string> parse_layer_version(std::string_view body) {
    return parse(body, [](const json& j) { return j.at("LayerVersionArn").get<std::string>(); });
}

Result<Page<std::string>> parse_layer_versions(std::string_view body) {
    return parse_page<std::string>(body, "LayerVersions",
                                   [](const json& j) { return j.at("LayerVersionArn").get<std::string>(); });
}

Result<std::optional<std::uint32_t>> parse_concurrency(std::string_view body) {
    return parse(body, [](const json& j) { return integer_at<std::uint32_t>(j, "ReservedConcurrentExecutions"); });
}

Result<Warm> parse_provisioned(std::string_view body) {
    return parse(body, [](const json& j) {
        const auto wanted = integer_at<std::uint32_t>(j, "RequestedProvisionedConcurrentExecutions");
        if (!wanted) throw std::out_of_range("RequestedProvisionedConcurrentExecutions is missing");
        Warm kept{.wanted = *wanted, .reason = j.value("StatusReason", "")};
        const std::string status = j.at("Status").get<std::string>();
        if (status == "READY") kept.status = Warm::Status::ready;
        if (status == "FAILED") kept.status = Warm::Status::failed;
        return kept;
    });
}

Result<Observations> parse_observations(std::string_view body, std::string_view provider) {
    const auto at = [](const json& call) {
        using std::chrono::microseconds;
        const microseconds since(integer_of<std::int64_t>(call.at("at_us")));
        constexpr auto kLatest = std::chrono::duration_cast<microseconds>(Nanos::max());
        if (since > kLatest || since < -kLatest) throw std::out_of_range("at_us is no time that fits");
        return WallTime(since);
    };
    const auto function = [&](const json& call) {
        return FunctionRef{std::string(provider), call.at("function").get<std::string>()};
    };
    const auto hash = [](const json& text) {
        const auto digits = text.get<std::string>();
        std::uint64_t value = 0;
        const char* const end = digits.data() + digits.size();
        // Of two that cannot be read nobody knows whether they are equal.
        if (const auto read = std::from_chars(digits.data(), end, value, 16); read.ec != std::errc() || read.ptr != end)
            throw std::out_of_range("\"" + digits + "\" is no hash of 64 bits");
        return value;
    };
    return parse(body, [&](const json& j) {
        Observations out{.throttled = {},
                         .answered = {},
                         .next = j.at("next").get<std::string>(),
                         .more = j.at("more").get<bool>(),
                         .missed = integer_of<std::uint64_t>(j.at("missed"))};
        for (const json& call : j.at("throttled"))
            out.throttled.push_back({function(call), at(call), integer_at<std::uint32_t>(call, "limit")});
        for (const json& call : j.at("answered"))
            out.answered.push_back({function(call), at(call), InvocationId(call.at("id").get<std::string>()), call.at("version").get<std::string>(),
                                    hash(call.at("input")), hash(call.at("output"))});
        return out;
    });
}

Result<Routing> parse_alias(std::string_view body) { return parse(body, to_routing); }

Result<Answer> parse_answer(const net::HttpResponse& response) {
    auto log = from_base64(response.headers.get("X-Amz-Log-Result"));
    if (!log) return fail(Errc::unavailable, "the log tail is not base64");
    return Answer{.payload = response.body,
                  .executed = std::string(response.headers.get("X-Amz-Executed-Version")),
                  .function_error = !response.headers.get("X-Amz-Function-Error").empty(),
                  .log_tail = *std::move(log)};
}

}  // namespace autotune::aws_lambda
