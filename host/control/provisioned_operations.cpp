// Operations on provisioned concurrency: sandboxes that are initialised ahead, for an alias or a version.
#include "host/control/faults.hpp"
#include "host/control/operations.hpp"
#include "host/control/responses.hpp"

namespace autotune::host {
namespace {

// The qualifier is the parameter's, or the name's own.
Result<FunctionName> qualified_argument(const Control& control, const OperationRequest& request) {
    auto name = function_argument(control, request);
    if (!name) return name;
    if (const auto found = control.registry.store().find(name->name); !found) return found.forward();
    if (name->qualifier.empty()) return constraint_fault("null", "qualifier", "Member must not be null");
    return name;
}

ProvisionedAnswer answer_of(const Control& control, const std::string& function, const std::string& qualifier,
                            const Provisioned& provisioned) {
    return {.arn = function_arn(control.registry.store().home(), function, qualifier),
            .wanted = provisioned,
            .state = control.dispatcher.warm_state(function, qualifier)};
}

std::uint32_t sum_of(const Function& function, std::string_view but) {
    std::uint32_t sum = 0;
    for (const auto& [qualifier, provisioned] : function.provisioned)
        if (qualifier != but) sum += provisioned.count;
    return sum;
}

// What is provisioned is the function's own: of its reservation, or of what no function has reserved.
Status check_room(const Control& control, const FunctionName& name, std::uint32_t wanted) {
    const auto& all = control.registry.store().all();
    const Function& function = all.at(name.name);
    std::uint64_t sum = std::uint64_t{wanted} + sum_of(function, name.qualifier);
    if (function.reserved_concurrency) {
        if (sum <= *function.reserved_concurrency) return ok();
        return lambda_fault(Fault::invalid_parameter,
                            "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function");
    }
    for (const auto& [other, f] : all)
        if (other != name.name && !f.reserved_concurrency) sum += sum_of(f, "");
    const auto unreserved = control.dispatcher.unreserved();
    if (sum <= unreserved) return ok();
    return lambda_fault(Fault::invalid_parameter, "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [" +
                                                      std::to_string(unreserved) + "].");
}

}  // namespace

Result<net::HttpResponse> put_provisioned_concurrency(Control& control, const OperationRequest& request) {
    const auto name = qualified_argument(control, request);
    if (!name) return name.forward();
    const auto wanted = parse_provisioned_concurrency(request.http.body);
    if (!wanted) return wanted.forward();
    if (auto room = check_room(control, *name, *wanted); !room) return room.forward();
    if (auto done = control.registry.provision(name->name, name->qualifier, *wanted); !done) return done.forward();
    const Function& function = control.registry.store().find(name->name)->get();
    auto answer = answer_of(control, name->name, name->qualifier, function.provisioned.at(name->qualifier));
    answer.state.reached = false;  // as Lambda says it: what was ordered just now is never ready
    return json_response(202, provisioned_json(answer));
}

Result<net::HttpResponse> get_provisioned_concurrency(Control& control, const OperationRequest& request) {
    if (request.target.query_value("List") == "ALL") {
        const auto name = unqualified_argument(control, request);
        if (!name) return name.forward();
        const auto found = control.registry.store().find(name->name);
        if (!found) return found.forward();
        std::vector<ProvisionedAnswer> all;
        for (const auto& [qualifier, provisioned] : found->get().provisioned)
            all.push_back(answer_of(control, name->name, qualifier, provisioned));
        return json_response(200, provisioned_list_json(all));
    }
    const auto name = qualified_argument(control, request);
    if (!name) return name.forward();
    if (const auto resolved = control.registry.store().resolve(*name); !resolved) return resolved.forward();
    const auto& provisioned = control.registry.store().find(name->name)->get().provisioned;
    const auto found = provisioned.find(name->qualifier);
    if (found == provisioned.end())
        return lambda_fault(Fault::no_provisioned_concurrency, "No Provisioned Concurrency Config found for this function");
    return json_response(200, provisioned_json(answer_of(control, name->name, name->qualifier, found->second)));
}

Result<net::HttpResponse> delete_provisioned_concurrency(Control& control, const OperationRequest& request) {
    const auto name = qualified_argument(control, request);
    if (!name) return name.forward();
    if (auto done = control.registry.provision(name->name, name->qualifier, std::nullopt); !done) return done.forward();
    return no_content();
}

}  // namespace autotune::host
