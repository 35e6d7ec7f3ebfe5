#include "host/control/api.hpp"

#include <array>
#include <utility>

#include "host/control/break_operations.hpp"
#include "host/control/digest.hpp"
#include "host/control/faults.hpp"

namespace autotune::host {
namespace {

using LateOperation = void (*)(Control&, const OperationRequest&, net::Responder);

struct Route {
    std::string_view method;
    std::string_view path;  // "*" matches one segment and becomes an argument
    Operation operation;    // null: it is answered later
    LateOperation late = nullptr;  // null too: Invoke
};

constexpr std::array routes{
    Route{"POST", "2015-03-31/functions/*/invocations", nullptr},
    Route{"GET", "2015-03-31/functions", list_functions},
    Route{"POST", "2015-03-31/functions", create_function},
    Route{"GET", "2015-03-31/functions/*", get_function},
    Route{"DELETE", "2015-03-31/functions/*", delete_function},
    Route{"GET", "2015-03-31/functions/*/configuration", get_function_configuration},
    Route{"PUT", "2015-03-31/functions/*/configuration", update_function_configuration},
    Route{"PUT", "2015-03-31/functions/*/code", update_function_code},
    Route{"GET", "2015-03-31/functions/*/versions", list_versions},
    Route{"POST", "2015-03-31/functions/*/versions", publish_version},
    Route{"GET", "2015-03-31/functions/*/aliases", list_aliases},
    Route{"POST", "2015-03-31/functions/*/aliases", create_alias},
    Route{"GET", "2015-03-31/functions/*/aliases/*", get_alias},
    Route{"PUT", "2015-03-31/functions/*/aliases/*", update_alias},
    Route{"DELETE", "2015-03-31/functions/*/aliases/*", delete_alias},
    Route{"GET", "2015-03-31/functions/*/policy", get_policy},
    Route{"GET", "2015-03-31/event-source-mappings", list_event_source_mappings},
    Route{"GET", "2016-08-19/account-settings", get_account_settings},
    Route{"GET", "2017-03-31/tags/*", list_tags},
    Route{"POST", "2017-03-31/tags/*", tag_resource},
    Route{"DELETE", "2017-03-31/tags/*", untag_resource},
    Route{"PUT", "2017-10-31/functions/*/concurrency", put_concurrency},
    Route{"DELETE", "2017-10-31/functions/*/concurrency", delete_concurrency},
    Route{"GET", "2018-10-31/layers", list_layers},
    Route{"GET", "2018-10-31/layers/*/versions", list_layer_versions},
    Route{"POST", "2018-10-31/layers/*/versions", publish_layer_version},
    Route{"GET", "2018-10-31/layers/*/versions/*", get_layer_version},
    Route{"DELETE", "2018-10-31/layers/*/versions/*", delete_layer_version},
    Route{"GET", "2019-09-25/functions/*/event-invoke-config", get_event_invoke_config},
    Route{"GET", "2019-09-30/functions/*/concurrency", get_concurrency},
    Route{"GET", "2019-09-30/functions/*/provisioned-concurrency", get_provisioned_concurrency},
    Route{"PUT", "2019-09-30/functions/*/provisioned-concurrency", put_provisioned_concurrency},
    Route{"DELETE", "2019-09-30/functions/*/provisioned-concurrency", delete_provisioned_concurrency},
    Route{"GET", "2020-06-30/functions/*/code-signing-config", get_code_signing_config},
    Route{"GET", "2021-07-20/functions/*/runtime-management-config", get_runtime_management},
    Route{"GET", "2021-10-31/functions/*/url", get_function_url},
    Route{"GET", "2024-08-31/functions/*/recursion-config", get_recursion_config},
    // This host's own: where GetFunction's Code.Location points, what became of calls, and invocations held for a debugger.
    Route{"GET", "code/*", download_code},
    Route{"GET", "autotune/observations", get_observations},
    Route{"POST", "autotune/breaks", add_break},
    Route{"GET", "autotune/breaks/*", nullptr, listen_to_break},
    Route{"DELETE", "autotune/breaks/*", remove_break},
};

bool matches(std::string_view pattern, const std::vector<std::string>& segments,
             std::vector<std::string>& arguments) {
    arguments.clear();
    for (std::size_t i = 0; i < segments.size(); ++i) {
        const auto slash = pattern.find('/');
        const auto part = pattern.substr(0, slash);
        if (part == "*")
            arguments.push_back(segments[i]);
        else if (part != segments[i])
            return false;
        if (slash == std::string_view::npos) return i + 1 == segments.size();
        pattern.remove_prefix(slash + 1);
    }
    return false;
}

const Route* find_route(const net::HttpRequest& request, const net::Target& target,
                        std::vector<std::string>& arguments) {
    for (const auto& route : routes)
        if (route.method == request.method && matches(route.path, target.segments, arguments)) return &route;
    return nullptr;
}

}  // namespace

ControlApi::ControlApi(Control control, Options options)
    : control_(std::move(control)),
      new_id_(options.new_id ? std::move(options.new_id) : IdSource(random_uuid)),
      random_(options.seed != 0 ? options.seed : std::random_device()()) {}

void ControlApi::handle(net::HttpRequest request, net::Responder responder) {
    const auto target = net::split_target(request.target);
    std::vector<std::string> arguments;
    const auto* route = find_route(request, target, arguments);
    if (route != nullptr && route->late != nullptr)
        return route->late(control_, {request, target, std::move(arguments)}, std::move(responder));
    if (route != nullptr && route->operation == nullptr)
        return invoke_function(control_, {new_id_, random_}, {request, target, std::move(arguments)},
                               std::move(responder));
    auto answer = route != nullptr
                      ? route->operation(control_, {request, target, std::move(arguments)})
                      : Result<net::HttpResponse>(lambda_fault(
                            Fault::unknown_operation,
                            "This host has no operation " + request.method + " " + request.target));
    auto response = answer ? *std::move(answer) : fault_response(answer.error());
    response.headers.set("x-amzn-RequestId", new_id_());
    responder.send(std::move(response));
}

net::HttpResponse ControlApi::too_large(const net::HttpRequest& request) {
    const auto target = net::split_target(request.target);
    std::vector<std::string> arguments;
    const auto* route = find_route(request, target, arguments);
    if (route != nullptr && route->operation == nullptr)
        return fault_response(
            lambda_fault(Fault::payload_too_large,
                         "The payload is too large for the RequestResponse invocation type (limit " +
                             std::to_string(sync_payload_limit) + " bytes)")
                .error);
    return fault_response(
        lambda_fault(Fault::request_too_large,
                     "Request must be smaller than " + std::to_string(request_body_limit) +
                         " bytes for the " +
                         (request.method == "POST" ? "CreateFunction" : "UpdateFunctionCode") + " operation")
            .error);
}

net::HttpResponse json_response(int status, std::string body) {
    return {status, {{"Content-Type", "application/json"}}, std::move(body)};
}

net::HttpResponse no_content() { return {204, {}, {}}; }

Result<FunctionName> function_argument(const Control& control, const OperationRequest& request) {
    return parse_qualified_name(request.arguments.at(0), request.target.query_value("Qualifier"),
                                control.registry.store().home());
}

Result<FunctionName> unqualified_argument(const Control& control, const OperationRequest& request) {
    auto name = parse_function_name(request.arguments.at(0), control.registry.store().home());
    // Lambda takes "name:$LATEST" here; anything else names what cannot be changed.
    if (name && !name->qualifier.empty() && name->qualifier != latest_version)
        return lambda_fault(
            Fault::invalid_parameter,
            "This operation is permitted on Lambda functions only. Aliases and versions do not support "
            "this operation. Please specify either a function name or an unqualified function ARN.");
    return name;
}

Result<PageRequest> page_argument(const OperationRequest& request) {
    PageRequest page;
    page.marker = request.target.query_value("Marker");
    const auto text = request.target.query_value("MaxItems");
    if (text.empty()) return page;
    const auto number = is_version_number(text) ? std::stoull(std::string(text)) : 0;
    if (number < 1 || number > 10'000)
        return constraint_fault("'" + std::string(text) + "'", "maxItems",
                                number > 10'000 ? "Member must have value less than or equal to 10000"
                                                : "Member must have value greater than or equal to 1");
    page.size = std::min<std::size_t>(page.size, number);
    return page;
}

}  // namespace autotune::host
