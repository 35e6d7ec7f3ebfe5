// The operations of the control API, one function each: a request in, a response out. Invoke, which is
// answered later, is in invoke_operation.hpp; which path leads where, in api.cpp.
#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"
#include "host/breaks/breaks.hpp"
#include "host/control/dispatcher.hpp"
#include "host/control/registry.hpp"
#include "net/http.hpp"
#include "net/url.hpp"

namespace autotune::host {

struct Control {
    Registry& registry;
    Dispatcher& dispatcher;
    Breaks& breaks;
    std::string endpoint_url;  // "http://127.0.0.1:9000"
};

struct OperationRequest {
    const net::HttpRequest& http;
    const net::Target& target;
    std::vector<std::string> arguments;  // what the path's placeholders matched, decoded
};

using Operation = Result<net::HttpResponse> (*)(Control&, const OperationRequest&);

// functions
Result<net::HttpResponse> create_function(Control&, const OperationRequest&);
Result<net::HttpResponse> get_function(Control&, const OperationRequest&);
Result<net::HttpResponse> get_function_configuration(Control&, const OperationRequest&);
Result<net::HttpResponse> list_functions(Control&, const OperationRequest&);
Result<net::HttpResponse> delete_function(Control&, const OperationRequest&);
Result<net::HttpResponse> update_function_code(Control&, const OperationRequest&);
Result<net::HttpResponse> update_function_configuration(Control&, const OperationRequest&);
// versions and aliases
Result<net::HttpResponse> publish_version(Control&, const OperationRequest&);
Result<net::HttpResponse> list_versions(Control&, const OperationRequest&);
Result<net::HttpResponse> create_alias(Control&, const OperationRequest&);
Result<net::HttpResponse> get_alias(Control&, const OperationRequest&);
Result<net::HttpResponse> update_alias(Control&, const OperationRequest&);
Result<net::HttpResponse> list_aliases(Control&, const OperationRequest&);
Result<net::HttpResponse> delete_alias(Control&, const OperationRequest&);
// layers
Result<net::HttpResponse> publish_layer_version(Control&, const OperationRequest&);
Result<net::HttpResponse> get_layer_version(Control&, const OperationRequest&);
Result<net::HttpResponse> list_layer_versions(Control&, const OperationRequest&);
Result<net::HttpResponse> list_layers(Control&, const OperationRequest&);
Result<net::HttpResponse> delete_layer_version(Control&, const OperationRequest&);
// everything around a function
Result<net::HttpResponse> put_concurrency(Control&, const OperationRequest&);
Result<net::HttpResponse> get_concurrency(Control&, const OperationRequest&);
Result<net::HttpResponse> delete_concurrency(Control&, const OperationRequest&);
Result<net::HttpResponse> tag_resource(Control&, const OperationRequest&);
Result<net::HttpResponse> list_tags(Control&, const OperationRequest&);
Result<net::HttpResponse> untag_resource(Control&, const OperationRequest&);
Result<net::HttpResponse> get_account_settings(Control&, const OperationRequest&);
Result<net::HttpResponse> get_code_signing_config(Control&, const OperationRequest&);
Result<net::HttpResponse> get_policy(Control&, const OperationRequest&);
Result<net::HttpResponse> get_event_invoke_config(Control&, const OperationRequest&);
Result<net::HttpResponse> get_function_url(Control&, const OperationRequest&);
Result<net::HttpResponse> put_provisioned_concurrency(Control&, const OperationRequest&);
Result<net::HttpResponse> get_provisioned_concurrency(Control&, const OperationRequest&);  // ListProvisionedConcurrencyConfigs, too
Result<net::HttpResponse> delete_provisioned_concurrency(Control&, const OperationRequest&);
Result<net::HttpResponse> get_runtime_management(Control&, const OperationRequest&);
Result<net::HttpResponse> get_recursion_config(Control&, const OperationRequest&);
Result<net::HttpResponse> list_event_source_mappings(Control&, const OperationRequest&);
Result<net::HttpResponse> get_observations(Control&, const OperationRequest&);
Result<net::HttpResponse> download_code(Control&, const OperationRequest&);

// What they share.
[[nodiscard]] net::HttpResponse json_response(int status, std::string body);
[[nodiscard]] net::HttpResponse no_content();
// The placeholder FunctionName, and ?Qualifier= where the operation has one.
[[nodiscard]] Result<FunctionName> function_argument(const Control&, const OperationRequest&);
// The same for operations on whole functions: a qualified name is refused.
[[nodiscard]] Result<FunctionName> unqualified_argument(const Control&, const OperationRequest&);

// ?MaxItems= and ?Marker=. A page never holds more than 50, as on Lambda.
struct PageRequest {
    std::size_t size = 50;
    std::string marker;  // the key of the first item wanted; empty: from the start
};
[[nodiscard]] Result<PageRequest> page_argument(const OperationRequest&);

}  // namespace autotune::host
