#include "host/control/requests.hpp"

#include <regex>
#include <vector>

#include "host/control/digest.hpp"
#include "host/control/faults.hpp"
#include "host/control/json_body.hpp"

namespace autotune::host {
namespace {

using Texts = std::map<std::string, std::string>;

std::optional<Texts> read_environment(JsonBody& body) {
    auto environment = body.object("Environment");
    if (!environment) return std::nullopt;
    auto variables = environment->texts("Variables").value_or(Texts{});
    body.adopt(*environment);
    return variables;
}

// The members that CreateFunction and UpdateFunctionConfiguration have in common.
SettingsDelta read_settings(JsonBody& body) {
    SettingsDelta delta;
    delta.runtime = body.text("Runtime");
    delta.handler = body.text("Handler");
    delta.role = body.text("Role");
    delta.description = body.text("Description");
    delta.memory_mb = body.number("MemorySize");
    delta.timeout_s = body.number("Timeout");
    delta.environment = read_environment(body);
    if (auto storage = body.object("EphemeralStorage")) {
        delta.ephemeral_mb = storage->number("Size");
        body.adopt(*storage);
    }
    if (auto tracing = body.object("TracingConfig")) {
        delta.tracing = tracing->text("Mode");
        body.adopt(*tracing);
        if (delta.tracing && *delta.tracing != "Active" && *delta.tracing != "PassThrough")
            body.adopt(constraint_fault("'" + *delta.tracing + "'", "tracingConfig.mode",
                                        "Member must satisfy enum value set: [Active, PassThrough]"));
    }
    static const std::regex role_pattern(R"(arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+)");
    if (delta.role && (delta.role->size() > 512 || !std::regex_match(*delta.role, role_pattern)))
        body.adopt(constraint_fault("'" + *delta.role + "'", "role",
                                    "Member must satisfy regular expression pattern: "
                                    "arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+"));
    if (const auto layers = body.list("Layers")) {
        delta.layers.emplace();
        for (const auto& arn : *layers) delta.layers->push_back({arn, {}});
    }
    body.refuse_unless_absent("FileSystemConfigs", "File systems are not supported by this host");
    return delta;
}

std::string read_zip(JsonBody& body) {
    body.refuse_unless_absent("ImageUri", "Container images are not supported by this host; use ZipFile");
    if (body.has_content("S3Bucket") || body.has_content("S3Key"))
        body.adopt(
            lambda_fault(Fault::invalid_parameter,
                         "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: "
                         "this host has no S3; use ZipFile"));
    const auto text = body.text("ZipFile");
    if (!text) {
        body.adopt(lambda_fault(Fault::invalid_parameter, "Please provide a source for function code."));
        return {};
    }
    auto zip = from_base64(*text);
    if (!zip) {
        body.adopt(
            lambda_fault(Fault::invalid_parameter,
                         "Could not unzip uploaded file. Please check your file, then try to upload again."));
        return {};
    }
    return *std::move(zip);
}

std::optional<std::string> read_architecture(JsonBody& body) {
    const auto list = body.list("Architectures");
    if (!list || list->empty()) return std::nullopt;
    if (list->size() > 1)
        body.adopt(constraint_fault("'[" + (*list)[0] + ", " + (*list)[1] + "]'", "architectures",
                                    "Member must have length less than or equal to 1"));
    if (list->front() != "x86_64" && list->front() != "arm64")
        body.adopt(
            constraint_fault("'[" + list->front() + "]'", "architectures",
                             "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, "
                             "arm64], Member must not be null]"));
    return list->front();
}

Publish read_publish(JsonBody& body) {
    return body.flag("Publish").value_or(false) ? Publish::yes : Publish::no;
}

void read_routing(JsonBody& body, AliasChange& change) {
    auto routing = body.object("RoutingConfig");
    if (!routing) return;
    change.weights = routing->weights("AdditionalVersionWeights").value_or(std::map<std::string, double>{});
    body.adopt(*routing);
}

// The value, unless something was wrong with the body it was read from.
template <class T>
Result<T> unless_faulty(const JsonBody& body, T value) {
    if (body.fault()) return *body.fault();
    return value;
}

}  // namespace

Result<CreateFunctionRequest> parse_create_function(std::string_view text) {
    JsonBody body(text);
    CreateFunctionRequest request;
    auto& wanted = request.function;
    wanted.name = body.required(body.text("FunctionName"), "functionName");
    (void)body.required(body.text("Role"), "role");
    if (body.text("PackageType").value_or("Zip") != "Zip")
        body.adopt(lambda_fault(Fault::invalid_parameter,
                                "Container images are not supported by this host; use ZipFile"));
    const auto delta = read_settings(body);
    auto& settings = wanted.settings;
    if (!delta.runtime || !delta.handler)
        body.adopt(lambda_fault(Fault::invalid_parameter,
                                "Runtime and Handler are mandatory parameters for functions created with "
                                "deployment packages."));
    settings.runtime = delta.runtime.value_or("");
    settings.handler = delta.handler.value_or("");
    settings.role = delta.role.value_or("");
    settings.architecture = read_architecture(body).value_or("x86_64");
    settings.memory_mb = delta.memory_mb.value_or(settings.memory_mb);
    settings.timeout_s = delta.timeout_s.value_or(settings.timeout_s);
    settings.ephemeral_mb = delta.ephemeral_mb.value_or(settings.ephemeral_mb);
    settings.tracing = delta.tracing.value_or(settings.tracing);
    settings.environment = delta.environment.value_or(Texts{});
    settings.layers = delta.layers.value_or(std::vector<AttachedLayer>{});
    wanted.description = delta.description.value_or("");
    wanted.tags = body.texts("Tags").value_or(Texts{});
    if (wanted.tags.size() > 50)
        body.adopt(lambda_fault(Fault::invalid_parameter, "Number of tags exceeds resource tag limit."));
    request.publish = read_publish(body);
    if (auto code = body.object("Code")) {
        request.zip = read_zip(*code);
        body.adopt(*code);
    } else {
        body.adopt(constraint_fault("null", "code", "Member must not be null"));
    }
    return unless_faulty(body, std::move(request));
}

Result<PublishLayerRequest> parse_publish_layer(std::string_view text) {
    JsonBody body(text);
    PublishLayerRequest request;
    request.layer.description = body.text("Description").value_or("");
    request.layer.license = body.text("LicenseInfo").value_or("");
    request.layer.runtimes = body.list("CompatibleRuntimes").value_or(std::vector<std::string>{});
    request.layer.architectures = body.list("CompatibleArchitectures").value_or(std::vector<std::string>{});
    if (auto content = body.object("Content")) {
        request.zip = read_zip(*content);
        body.adopt(*content);
    } else {
        body.adopt(constraint_fault("null", "content", "Member must not be null"));
    }
    return unless_faulty(body, std::move(request));
}

Result<UpdateCodeRequest> parse_update_code(std::string_view text) {
    JsonBody body(text);
    UpdateCodeRequest request;
    request.zip = read_zip(body);
    (void)read_architecture(body);
    request.expected = body.text("RevisionId").value_or("");
    request.publish = read_publish(body);
    request.dry_run = body.flag("DryRun").value_or(false) ? DryRun::yes : DryRun::no;
    return unless_faulty(body, std::move(request));
}

Result<UpdateSettingsRequest> parse_update_settings(std::string_view text) {
    JsonBody body(text);
    UpdateSettingsRequest request;
    request.delta = read_settings(body);
    request.expected = body.text("RevisionId").value_or("");
    return unless_faulty(body, std::move(request));
}

Result<PublishRequest> parse_publish(std::string_view text) {
    JsonBody body(text);
    PublishRequest request;
    request.code_sha256 = body.text("CodeSha256").value_or("");
    request.expected = body.text("RevisionId").value_or("");
    request.description = body.text("Description");
    return unless_faulty(body, std::move(request));
}

Result<AliasChange> parse_create_alias(std::string_view text) {
    JsonBody body(text);
    AliasChange change;
    change.name = body.required(body.text("Name"), "name");
    change.version = body.required(body.text("FunctionVersion"), "functionVersion");
    change.description = body.text("Description");
    read_routing(body, change);
    return unless_faulty(body, std::move(change));
}

Result<AliasChange> parse_update_alias(std::string_view text) {
    JsonBody body(text);
    AliasChange change;
    change.version = body.text("FunctionVersion");
    change.description = body.text("Description");
    change.expected = body.text("RevisionId").value_or("");
    read_routing(body, change);
    return unless_faulty(body, std::move(change));
}

Result<std::uint32_t> parse_concurrency(std::string_view text) {
    JsonBody body(text);
    const auto value =
        body.required(body.number("ReservedConcurrentExecutions"), "reservedConcurrentExecutions");
    return unless_faulty(body, value);
}

Result<std::uint32_t> parse_provisioned_concurrency(std::string_view text) {
    JsonBody body(text);
    const auto value =
        body.required(body.number("ProvisionedConcurrentExecutions"), "provisionedConcurrentExecutions");
    return unless_faulty(body, value);
}

Result<Texts> parse_tags(std::string_view text) {
    JsonBody body(text);
    auto tags = body.required(body.texts("Tags"), "tags");
    return unless_faulty(body, std::move(tags));
}

}  // namespace autotune::host
