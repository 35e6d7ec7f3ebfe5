// Operations on aliases.
#include "host/control/faults.hpp"
#include "host/control/operations.hpp"
#include "host/control/responses.hpp"

namespace autotune::host {
namespace {

Result<net::HttpResponse> alias_answer(const Control& control, int status, const FunctionName& function,
                                       const Result<Alias>& alias) {
    if (!alias) return alias.forward();
    return json_response(status, alias_json(*alias, function.name, control.registry.store().home()));
}

}  // namespace

Result<net::HttpResponse> create_alias(Control& control, const OperationRequest& request) {
    const auto name = unqualified_argument(control, request);
    if (!name) return name.forward();
    const auto wanted = parse_create_alias(request.http.body);
    if (!wanted) return wanted.forward();
    return alias_answer(control, 201, *name, control.registry.create_alias(name->name, *wanted));
}

Result<net::HttpResponse> get_alias(Control& control, const OperationRequest& request) {
    const auto name = unqualified_argument(control, request);
    if (!name) return name.forward();
    return alias_answer(control, 200, *name,
                        control.registry.store().get_alias(name->name, request.arguments.at(1)));
}

Result<net::HttpResponse> update_alias(Control& control, const OperationRequest& request) {
    const auto name = unqualified_argument(control, request);
    if (!name) return name.forward();
    auto change = parse_update_alias(request.http.body);
    if (!change) return change.forward();
    change->name = request.arguments.at(1);
    return alias_answer(control, 200, *name, control.registry.update_alias(name->name, *change));
}

Result<net::HttpResponse> delete_alias(Control& control, const OperationRequest& request) {
    const auto name = unqualified_argument(control, request);
    if (!name) return name.forward();
    const auto removed = control.registry.remove_alias(name->name, request.arguments.at(1));
    if (!removed) return removed.forward();
    return no_content();
}

Result<net::HttpResponse> list_aliases(Control& control, const OperationRequest& request) {
    const auto name = unqualified_argument(control, request);
    if (!name) return name.forward();
    const auto wanted = page_argument(request);
    if (!wanted) return wanted.forward();
    const auto found = control.registry.store().find(name->name);
    if (!found) return found.forward();
    const auto version = request.target.query_value("FunctionVersion");
    const auto& aliases = found->get().aliases;
    AliasPage page;
    for (auto at = aliases.lower_bound(wanted->marker); at != aliases.end(); ++at) {
        const auto& alias = at->second;
        if (!version.empty() && alias.version != version && alias.additional != version) continue;
        if (page.items.size() >= wanted->size) {
            page.next = alias.name;
            break;
        }
        page.items.push_back(alias);
    }
    return json_response(200, aliases_json(page, name->name, control.registry.store().home()));
}

}  // namespace autotune::host
