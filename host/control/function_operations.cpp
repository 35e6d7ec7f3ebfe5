// Operations on functions and their published versions.
#include "host/control/digest.hpp"
#include "host/control/faults.hpp"
#include "host/control/operations.hpp"
#include "host/control/responses.hpp"

namespace autotune::host {
namespace {

const Home& home_of(const Control& control) { return control.registry.store().home(); }

Result<net::HttpResponse> configuration_answer(const Control& control, int status,
                                               const Result<Configuration>& made,
                                               std::string_view qualifier = "") {
    if (!made) return made.forward();
    return json_response(status, configuration_json(*made, home_of(control), qualifier));
}

// A version's ARN ends in its number, $LATEST's own in nothing.
std::string_view own_qualifier(const Configuration& c) {
    return c.version == latest_version ? "" : c.version;
}

}  // namespace

Result<net::HttpResponse> create_function(Control& control, const OperationRequest& request) {
    auto wanted = parse_create_function(request.http.body);
    if (!wanted) return wanted.forward();
    const auto name = parse_function_name(wanted->function.name, home_of(control));
    if (!name) return name.forward();
    if (!name->qualifier.empty())
        return lambda_fault(Fault::invalid_parameter,
                            "A function's name must not have a qualifier: " + wanted->function.name);
    wanted->function.name = name->name;
    return configuration_answer(control, 201, control.registry.create(*std::move(wanted)));
}

Result<net::HttpResponse> get_function(Control& control, const OperationRequest& request) {
    const auto name = function_argument(control, request);
    if (!name) return name.forward();
    const auto configuration = control.registry.store().resolve(*name);
    if (!configuration) return configuration.forward();
    const auto function = control.registry.store().find(name->name);
    if (!function) return function.forward();
    return json_response(200, function_json({*configuration, *function, name->qualifier,
                                             control.endpoint_url + "/code/" +
                                                 file_name_of(configuration->code.sha256) + ".zip"},
                                            home_of(control)));
}

Result<net::HttpResponse> get_function_configuration(Control& control, const OperationRequest& request) {
    const auto name = function_argument(control, request);
    if (!name) return name.forward();
    return configuration_answer(control, 200, control.registry.store().resolve(*name), name->qualifier);
}

Result<net::HttpResponse> list_functions(Control& control, const OperationRequest& request) {
    const auto wanted = page_argument(request);
    if (!wanted) return wanted.forward();
    const auto which = request.target.query_value("FunctionVersion");
    if (!which.empty() && which != "ALL")
        return constraint_fault("'" + std::string(which) + "'", "functionVersion",
                                "Member must satisfy enum value set: [ALL]");
    ConfigurationPage page;
    const auto& functions = control.registry.store().all();
    for (auto at = functions.lower_bound(wanted->marker); at != functions.end(); ++at) {
        if (page.items.size() >= wanted->size) {
            page.next = at->first;
            break;
        }
        page.items.push_back(at->second.latest);
        // All versions of a function stay on one page, which may then be longer than asked for.
        if (which == "ALL")
            for (const auto& [number, version] : at->second.versions) page.items.push_back(version);
    }
    return json_response(200,
                         configurations_json("Functions", page, home_of(control),
                                             which.empty() ? ArnStyle::unqualified : ArnStyle::qualified));
}

Result<net::HttpResponse> delete_function(Control& control, const OperationRequest& request) {
    const auto name = function_argument(control, request);
    if (!name) return name.forward();
    const auto removed = name->qualifier.empty()
                             ? control.registry.remove(name->name)
                             : control.registry.remove_version(name->name, name->qualifier);
    if (!removed) return removed.forward();
    return no_content();
}

Result<net::HttpResponse> update_function_code(Control& control, const OperationRequest& request) {
    const auto name = unqualified_argument(control, request);
    if (!name) return name.forward();
    const auto wanted = parse_update_code(request.http.body);
    if (!wanted) return wanted.forward();
    const auto updated = control.registry.update_code(name->name, *wanted);
    return configuration_answer(control, 200, updated, updated ? own_qualifier(*updated) : "");
}

Result<net::HttpResponse> update_function_configuration(Control& control, const OperationRequest& request) {
    const auto name = unqualified_argument(control, request);
    if (!name) return name.forward();
    const auto wanted = parse_update_settings(request.http.body);
    if (!wanted) return wanted.forward();
    return configuration_answer(control, 200, control.registry.update_settings(name->name, *wanted));
}

Result<net::HttpResponse> publish_version(Control& control, const OperationRequest& request) {
    const auto name = unqualified_argument(control, request);
    if (!name) return name.forward();
    const auto wanted = parse_publish(request.http.body);
    if (!wanted) return wanted.forward();
    const auto published = control.registry.publish(name->name, *wanted);
    return configuration_answer(control, 201, published, published ? own_qualifier(*published) : "");
}

Result<net::HttpResponse> list_versions(Control& control, const OperationRequest& request) {
    const auto name = unqualified_argument(control, request);
    if (!name) return name.forward();
    const auto wanted = page_argument(request);
    if (!wanted) return wanted.forward();
    if (!wanted->marker.empty() && !is_version_number(wanted->marker))
        return lambda_fault(Fault::invalid_parameter, "Marker is not one of ListVersionsByFunction");
    const auto found = control.registry.store().find(name->name);
    if (!found) return found.forward();
    const auto& function = found->get();
    ConfigurationPage page;
    if (wanted->marker.empty()) page.items.push_back(function.latest);
    const auto first = wanted->marker.empty() ? 0 : std::stoull(wanted->marker);
    for (auto at = function.versions.lower_bound(first); at != function.versions.end(); ++at) {
        if (page.items.size() >= wanted->size) {
            page.next = at->second.version;
            break;
        }
        page.items.push_back(at->second);
    }
    return json_response(200, configurations_json("Versions", page, home_of(control), ArnStyle::qualified));
}

Result<net::HttpResponse> download_code(Control& control, const OperationRequest& request) {
    auto zip = control.registry.state().code_zip(request.arguments.at(0));
    if (!zip) return lambda_fault(Fault::not_found, "There is no such package");
    net::HttpResponse response{200, {{"Content-Type", "application/zip"}}, *std::move(zip)};
    return response;
}

}  // namespace autotune::host
