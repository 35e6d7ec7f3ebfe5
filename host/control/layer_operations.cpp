// Operations on layers.
#include <cstdint>
#include <nlohmann/json.hpp>

#include "host/control/digest.hpp"
#include "host/control/faults.hpp"
#include "host/control/operations.hpp"
#include "host/control/responses.hpp"

namespace autotune::host {
namespace {

using Layer = LayerHistory;

const LayerStore& layers(const Control& control) { return control.registry.layers(); }

Result<std::string> name_argument(const Control& control, const OperationRequest& request) {
    return parse_layer_name(request.arguments.at(0), layers(control).home());
}

struct LayerName {
    std::string name;
    std::uint64_t number = 0;
};
// The placeholders LayerName and VersionNumber.
Result<LayerName> version_argument(const Control& control, const OperationRequest& request) {
    const auto name = name_argument(control, request);
    if (!name) return name.forward();
    const auto& number = request.arguments.at(1);
    if (!is_version_number(number))
        return constraint_fault("'" + number + "'", "versionNumber", "Member must be a version number");
    return LayerName{*name, std::stoull(number)};
}

Result<net::HttpResponse> version_answer(const Control& control, int status, const Result<LayerVersion>& version) {
    if (!version) return version.forward();
    const auto url = control.endpoint_url + "/code/" + file_name_of(version->code.sha256) + ".zip";
    return json_response(status, layer_version_json(*version, layers(control).home(), url));
}

// Versions that say they are for what the caller asks for, newest first.
std::vector<LayerVersion> matching(const Layer& layer, const OperationRequest& request) {
    const auto fits = [](std::string_view wanted, const std::vector<std::string>& has) {
        return wanted.empty() || std::find(has.begin(), has.end(), wanted) != has.end();
    };
    std::vector<LayerVersion> found;
    for (auto at = layer.versions.rbegin(); at != layer.versions.rend(); ++at)
        if (fits(request.target.query_value("CompatibleRuntime"), at->second.runtimes) &&
            fits(request.target.query_value("CompatibleArchitecture"), at->second.architectures))
            found.push_back(at->second);
    return found;
}

}  // namespace

Result<net::HttpResponse> publish_layer_version(Control& control, const OperationRequest& request) {
    auto name = name_argument(control, request);
    if (!name) return name.forward();
    auto wanted = parse_publish_layer(request.http.body);
    if (!wanted) return wanted.forward();
    wanted->layer.name = *std::move(name);
    return version_answer(control, 201, control.registry.publish_layer(*std::move(wanted)));
}

Result<net::HttpResponse> get_layer_version(Control& control, const OperationRequest& request) {
    const auto name = version_argument(control, request);
    if (!name) return name.forward();
    return version_answer(control, 200, layers(control).find(name->name, name->number));
}

Result<net::HttpResponse> delete_layer_version(Control& control, const OperationRequest& request) {
    const auto name = version_argument(control, request);
    if (!name) return name.forward();
    if (auto removed = control.registry.remove_layer_version(name->name, name->number); !removed)
        return removed.forward();
    return no_content();
}

Result<net::HttpResponse> list_layer_versions(Control& control, const OperationRequest& request) {
    const auto name = name_argument(control, request);
    if (!name) return name.forward();
    const auto wanted = page_argument(request);
    if (!wanted) return wanted.forward();
    if (!wanted->marker.empty() && !is_version_number(wanted->marker))
        return lambda_fault(Fault::invalid_parameter, "Marker is not one of ListLayerVersions");
    const auto first = wanted->marker.empty() ? UINT64_MAX : std::stoull(wanted->marker);
    LayerPage page;
    const auto layer = layers(control).all().find(*name);
    if (layer == layers(control).all().end()) return json_response(200, layer_versions_json(page, layers(control).home()));
    for (auto& version : matching(layer->second, request)) {
        if (version.number > first) continue;  // of an earlier page
        if (page.items.size() >= wanted->size) {
            page.next = std::to_string(version.number);
            break;
        }
        page.items.push_back(std::move(version));
    }
    return json_response(200, layer_versions_json(page, layers(control).home()));
}

// Also GetLayerVersionByArn, which is told by ?find=.
Result<net::HttpResponse> list_layers(Control& control, const OperationRequest& request) {
    if (request.target.query_value("find") == "LayerVersion")
        return version_answer(control, 200, layers(control).find(request.target.query_value("Arn")));
    const auto wanted = page_argument(request);
    if (!wanted) return wanted.forward();
    LayerPage page;
    const auto& all = layers(control).all();
    for (auto at = all.lower_bound(wanted->marker); at != all.end(); ++at) {
        auto versions = matching(at->second, request);
        if (versions.empty()) continue;
        if (page.items.size() >= wanted->size) {
            page.next = at->first;
            break;
        }
        page.items.push_back(std::move(versions.front()));
    }
    return json_response(200, layers_json(page, layers(control).home()));
}

}  // namespace autotune::host
