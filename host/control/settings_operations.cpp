// Operations on what surrounds a function: concurrency, tags, the account, and the configurations that
// Terraform and the SDKs ask for and this host has none of.
#include "host/control/faults.hpp"
#include "host/control/operations.hpp"
#include "host/control/responses.hpp"

namespace autotune::host {
namespace {

constexpr std::string_view not_on_versions =
    "This operation is permitted on Lambda functions only. Aliases and versions do not support this "
    "operation. "
    "Please specify either a function name or an unqualified function ARN.";

Result<FunctionName> whole_function(const Control& control, const OperationRequest& request) {
    auto name = parse_function_name(request.arguments.at(0), control.registry.store().home());
    if (name && !name->qualifier.empty())
        return lambda_fault(Fault::invalid_parameter, std::string(not_on_versions));
    return name;
}

// An existing function, by name or ARN, maybe qualified.
Result<FunctionName> existing_function(const Control& control, const OperationRequest& request) {
    auto name = function_argument(control, request);
    if (!name) return name;
    const auto found = control.registry.store().resolve(*name);
    if (!found) return found.forward();
    return name;
}

// Tag operations name their function by its whole, unqualified ARN.
Result<FunctionName> tagged_function(const Control& control, const OperationRequest& request) {
    const auto& arn = request.arguments.at(0);
    if (!arn.starts_with("arn:") || arn.find(":function:") == std::string::npos)
        return constraint_fault(
            "'" + arn + "'", "resource",
            "Member must satisfy regular expression pattern: "
            "arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:"
            "(function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?)");
    auto name = parse_function_name(arn, control.registry.store().home());
    if (name && !name->qualifier.empty())
        return lambda_fault(
            Fault::invalid_parameter,
            "Tags on function aliases and versions are not supported. Please specify a function ARN.");
    return name;
}

Result<net::HttpResponse> without_content(const Status& done) {
    if (!done) return done.forward();
    return no_content();
}

}  // namespace

Result<net::HttpResponse> put_concurrency(Control& control, const OperationRequest& request) {
    const auto name = whole_function(control, request);
    if (!name) return name.forward();
    const auto wanted = parse_concurrency(request.http.body);
    if (!wanted) return wanted.forward();
    const auto found = control.registry.store().find(name->name);
    if (!found) return found.forward();
    const auto available = control.dispatcher.unreserved() + found->get().reserved_concurrency.value_or(0);
    if (*wanted > available)
        return lambda_fault(Fault::invalid_parameter,
                            "Specified ReservedConcurrentExecutions for function decreases account's "
                            "UnreservedConcurrentExecution below its minimum value of [0].");
    std::uint32_t provisioned = 0;
    for (const auto& [qualifier, p] : found->get().provisioned) provisioned += p.count;
    if (*wanted < provisioned)
        return lambda_fault(Fault::invalid_parameter,
                            "Specified ReservedConcurrentExecutions for function is less than its provisioned concurrency [" +
                                std::to_string(provisioned) + "].");
    if (auto done = control.registry.reserve_concurrency(name->name, *wanted); !done) return done.forward();
    return json_response(200, concurrency_json(control.registry.store().find(name->name)->get()));
}

Result<net::HttpResponse> get_concurrency(Control& control, const OperationRequest& request) {
    const auto name = whole_function(control, request);
    if (!name) return name.forward();
    const auto found = control.registry.store().find(name->name);
    if (!found) return found.forward();
    return json_response(200, concurrency_json(found->get()));
}

Result<net::HttpResponse> delete_concurrency(Control& control, const OperationRequest& request) {
    const auto name = whole_function(control, request);
    if (!name) return name.forward();
    return without_content(control.registry.reserve_concurrency(name->name, std::nullopt));
}

Result<net::HttpResponse> tag_resource(Control& control, const OperationRequest& request) {
    const auto name = tagged_function(control, request);
    if (!name) return name.forward();
    const auto tags = parse_tags(request.http.body);
    if (!tags) return tags.forward();
    if (tags->empty())
        return lambda_fault(Fault::invalid_parameter,
                            "An error occurred and the request cannot be processed.");
    return without_content(control.registry.tag(name->name, *tags));
}

Result<net::HttpResponse> untag_resource(Control& control, const OperationRequest& request) {
    const auto name = tagged_function(control, request);
    if (!name) return name.forward();
    std::vector<std::string> keys;
    for (const auto& [field, value] : request.target.query)
        if (field == "tagKeys") keys.push_back(value);
    if (keys.empty()) return constraint_fault("null", "tagKeys", "Member must not be null");
    return without_content(control.registry.untag(name->name, keys));
}

Result<net::HttpResponse> list_tags(Control& control, const OperationRequest& request) {
    const auto name = tagged_function(control, request);
    if (!name) return name.forward();
    const auto found = control.registry.store().find(name->name);
    if (!found) return found.forward();
    return json_response(200, tags_json(found->get().tags));
}

Result<net::HttpResponse> get_account_settings(Control& control, const OperationRequest&) {
    AccountUsage usage;
    usage.concurrency = control.dispatcher.options().concurrency;
    usage.unreserved = control.dispatcher.unreserved();
    usage.functions = control.registry.store().all().size();
    for (const auto& [name, function] : control.registry.store().all()) {
        usage.code_bytes += function.latest.code.size;
        for (const auto& [number, version] : function.versions) usage.code_bytes += version.code.size;
    }
    return json_response(200, account_json(usage));
}

Result<net::HttpResponse> get_code_signing_config(Control& control, const OperationRequest& request) {
    const auto name = existing_function(control, request);
    if (!name) return name.forward();
    return json_response(200, R"({"FunctionName":")" + name->name + R"("})");
}

Result<net::HttpResponse> get_policy(Control& control, const OperationRequest& request) {
    const auto name = existing_function(control, request);
    if (!name) return name.forward();
    return lambda_fault(Fault::not_found, "The resource you requested does not exist.");
}

Result<net::HttpResponse> get_function_url(Control& control, const OperationRequest& request) {
    return get_policy(control, request);
}

Result<net::HttpResponse> get_event_invoke_config(Control& control, const OperationRequest& request) {
    const auto name = existing_function(control, request);
    if (!name) return name.forward();
    const auto qualifier = name->qualifier.empty() ? std::string(latest_version) : name->qualifier;
    return lambda_fault(Fault::not_found,
                        "The function " +
                            function_arn(control.registry.store().home(), name->name, qualifier) +
                            " doesn't have an EventInvokeConfig");
}

Result<net::HttpResponse> get_runtime_management(Control& control, const OperationRequest& request) {
    const auto name = existing_function(control, request);
    if (!name) return name.forward();
    const auto arn = function_arn(control.registry.store().home(), name->name, name->qualifier);
    return json_response(200, R"({"UpdateRuntimeOn":"Auto","FunctionArn":")" + arn + R"("})");
}

Result<net::HttpResponse> get_recursion_config(Control& control, const OperationRequest& request) {
    const auto name = existing_function(control, request);
    if (!name) return name.forward();
    return json_response(200, R"({"RecursiveLoop":"Allow"})");
}

Result<net::HttpResponse> list_event_source_mappings(Control&, const OperationRequest&) {
    return json_response(200, R"({"EventSourceMappings":[]})");
}

}  // namespace autotune::host
