// The part of FunctionStore that is about aliases and their traffic split.
#include "host/control/faults.hpp"
#include "host/control/store.hpp"

namespace autotune::host {
namespace {

// Lambda prints weights as Java does: 2.0, 0.25.
std::string java_double(double value) {
    auto text = std::to_string(value);
    while (text.size() > 2 && text.back() == '0' && text[text.size() - 2] != '.') text.pop_back();
    return text;
}

Status check_weight(const std::string& version, double weight) {
    const auto shown = "'{" + version + "=" + java_double(weight) + "}'";
    if (!is_version_number(version))
        return constraint_fault(
            shown, "routingConfig.additionalVersionWeights",
            "Map keys must satisfy constraint: [Member must have length less than or equal to "
            "1024, Member must have length greater than or equal to 1, Member must satisfy "
            "regular expression pattern: [0-9]+]");
    if (!(weight >= 0.0 && weight <= 1.0))
        return constraint_fault(
            shown, "routingConfig.additionalVersionWeights",
            "Map value must satisfy constraint: [Member must have value less than or equal to "
            "1.0, Member must have value greater than or equal to 0.0, Member must not be null]");
    return ok();
}

bool is_published(const Function& function, const std::string& version) {
    return is_version_number(version) && function.versions.contains(std::stoull(version));
}

}  // namespace

// Checks the alias as it would be after `change`, then makes it so.
Status FunctionStore::apply(const Function& function, const AliasChange& change, Alias& alias) const {
    auto wanted = alias;
    const auto& name = function.latest.function;
    if (change.version) wanted.version = *change.version;
    if (change.description) wanted.description = *change.description;
    if (wanted.description.size() > 256)
        return constraint_fault("'" + wanted.description + "'", "description",
                                "Member must have length less than or equal to 256");
    if (wanted.version != latest_version && !is_version_number(wanted.version))
        return constraint_fault("'" + wanted.version + "'", "functionVersion",
                                "Member must satisfy regular expression pattern: (\\$LATEST|[0-9]+)");
    if (change.weights) {
        wanted.additional.reset();
        wanted.weight = 0;
        if (change.weights->size() > 1)
            return lambda_fault(Fault::invalid_parameter,
                                "Number of items in AdditionalVersionWeights cannot be greater than 1");
        for (const auto& [version, weight] : *change.weights) {
            if (auto checked = check_weight(version, weight); !checked) return checked;
            wanted.additional = version;
            wanted.weight = weight;
        }
    }
    if (wanted.version != latest_version && !is_published(function, wanted.version))
        return no_function(name, wanted.version);
    if (wanted.version == latest_version && function.provisioned.contains(wanted.name))
        return lambda_fault(Fault::invalid_parameter,
                            "Provisioned Concurrency Configs cannot be applied to unpublished function versions.");
    if (wanted.additional) {
        if (wanted.version == latest_version)
            return lambda_fault(Fault::invalid_parameter,
                                "$LATEST is not supported for an alias pointing to more than 1 version");
        if (*wanted.additional == wanted.version)
            return lambda_fault(Fault::invalid_parameter,
                                "Invalid function version " + wanted.version + ". Function version " +
                                    wanted.version + " is already included in routing configuration.");
        if (!is_published(function, *wanted.additional)) return no_function(name, *wanted.additional);
    }
    alias = std::move(wanted);
    alias.revision_id = new_id_();
    return ok();
}

Result<Alias> FunctionStore::create_alias(std::string_view function, const AliasChange& wanted) {
    if (!is_alias_name(wanted.name))
        return constraint_fault(
            "'" + wanted.name + "'", "name",
            "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)");
    auto found = edit(function);
    if (!found) return no_function(function, wanted.version.value_or(""));
    auto& aliases = (*found)->aliases;
    if (aliases.contains(wanted.name))
        return lambda_fault(Fault::conflict,
                            "Alias already exists: " + function_arn(home_, function, wanted.name));
    Alias alias;
    alias.name = wanted.name;
    if (auto applied = apply(**found, wanted, alias); !applied) return applied.forward();
    return aliases.emplace(wanted.name, std::move(alias)).first->second;
}

Result<Alias> FunctionStore::get_alias(std::string_view function, std::string_view name) const {
    const auto found = find(function);
    if (!found) return found.forward();
    const auto& aliases = found->get().aliases;
    const auto alias = aliases.find(std::string(name));
    if (alias == aliases.end())
        return lambda_fault(Fault::not_found,
                            "Cannot find alias arn: " + function_arn(home_, function, name));
    return alias->second;
}

Result<Alias> FunctionStore::update_alias(std::string_view function, const AliasChange& change) {
    auto found = edit(function);
    if (!found) return found.forward();
    const auto alias = (*found)->aliases.find(change.name);
    if (alias == (*found)->aliases.end())
        return lambda_fault(Fault::not_found,
                            "Alias not found: " + function_arn(home_, function, change.name));
    if (!change.expected.empty() && change.expected != alias->second.revision_id)
        return lambda_fault(Fault::precondition_failed,
                            "The Revision Id provided does not match the latest Revision Id. Call the "
                            "GetFunction/GetAlias API to retrieve the latest Revision Id");
    if (auto applied = apply(**found, change, alias->second); !applied) return applied.forward();
    return alias->second;
}

Status FunctionStore::remove_alias(std::string_view function, std::string_view name) {
    auto found = edit(function);
    if (!found) return found.forward();
    (*found)->aliases.erase(std::string(name));
    (*found)->provisioned.erase(std::string(name));
    return ok();
}

}  // namespace autotune::host
