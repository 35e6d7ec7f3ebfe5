// The part of FunctionStore that is about provisioned concurrency.
#include "host/control/faults.hpp"
#include "host/control/store.hpp"

namespace autotune::host {

Status FunctionStore::provision(std::string_view name, const std::string& qualifier, std::optional<std::uint32_t> count) {
    auto found = edit(name);
    if (!found) return found.forward();
    Function& function = **found;
    if (!count) {
        if (function.provisioned.erase(qualifier) > 0) return ok();
        return lambda_fault(Fault::no_provisioned_concurrency, "No Provisioned Concurrency Config found for this function");
    }
    constexpr auto kUnpublished = "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";
    if (qualifier == latest_version) return lambda_fault(Fault::invalid_parameter, kUnpublished);
    if (*count < 1)
        return constraint_fault("'" + std::to_string(*count) + "'", "provisionedConcurrentExecutions",
                                "Member must have value greater than or equal to 1");
    if (const auto alias = function.aliases.find(qualifier); alias != function.aliases.end()) {
        if (alias->second.version == latest_version) return lambda_fault(Fault::invalid_parameter, kUnpublished);
        if (alias->second.additional)
            return lambda_fault(Fault::invalid_parameter, "Alias with weights can not be used with Provisioned Concurrency");
    } else if (!is_version_number(qualifier) || !function.versions.contains(std::stoull(qualifier))) {
        return no_function(name, qualifier);
    }
    function.provisioned[qualifier] = {*count, clock_.wall()};
    return ok();
}

}  // namespace autotune::host
