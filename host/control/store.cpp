#include "host/control/store.hpp"

#include <utility>

#include "host/control/faults.hpp"

namespace autotune::host {
namespace {

constexpr std::string_view stale_revision =
    "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
    "retrieve the latest Revision Id";

Settings with(Settings settings, const SettingsDelta& delta) {
    const auto set = [](auto& to, const auto& from) {
        if (from) to = *from;
    };
    set(settings.runtime, delta.runtime);
    set(settings.handler, delta.handler);
    set(settings.role, delta.role);
    set(settings.tracing, delta.tracing);
    set(settings.memory_mb, delta.memory_mb);
    set(settings.timeout_s, delta.timeout_s);
    set(settings.ephemeral_mb, delta.ephemeral_mb);
    set(settings.environment, delta.environment);
    set(settings.layers, delta.layers);
    return settings;
}

}  // namespace

FunctionStore::FunctionStore(Home home, const Clock& clock, IdSource new_id)
    : home_(std::move(home)), clock_(clock), new_id_(std::move(new_id)) {}

void FunctionStore::restore(Function function) {
    auto name = function.latest.function;
    functions_[std::move(name)] = std::move(function);
}

Unexpected FunctionStore::no_function(std::string_view name, std::string_view qualifier) const {
    return lambda_fault(Fault::not_found, "Function not found: " + function_arn(home_, name, qualifier));
}

Result<std::reference_wrapper<const Function>> FunctionStore::find(std::string_view name) const {
    const auto found = functions_.find(std::string(name));
    if (found == functions_.end()) return no_function(name);
    return std::cref(found->second);
}

Result<Function*> FunctionStore::edit(std::string_view name) {
    const auto found = functions_.find(std::string(name));
    if (found == functions_.end()) return no_function(name);
    return &found->second;
}

Result<Function*> FunctionStore::edit_head(std::string_view name, std::string_view expected) {
    auto function = edit(name);
    if (function && !expected.empty() && (*function)->latest.revision_id != expected)
        return lambda_fault(Fault::precondition_failed, std::string(stale_revision));
    return function;
}

void FunctionStore::touch(Configuration& head) const {
    head.revision_id = new_id_();
    head.last_modified = clock_.wall();
}

Result<Configuration> FunctionStore::create(NewFunction wanted) {
    if (functions_.contains(wanted.name))
        return lambda_fault(Fault::conflict, "Function already exist: " + wanted.name);
    if (auto checked = check_settings(wanted.settings, wanted.description); !checked)
        return checked.forward();
    Function function;
    function.latest.function = wanted.name;
    function.latest.version = latest_version;
    function.latest.description = std::move(wanted.description);
    function.latest.settings = std::move(wanted.settings);
    function.latest.code = std::move(wanted.code);
    function.tags = std::move(wanted.tags);
    function.origin = std::move(wanted.origin);
    touch(function.latest);
    return functions_.emplace(std::move(wanted.name), std::move(function)).first->second.latest;
}

Result<Configuration> FunctionStore::resolve(const FunctionName& name) const { return route(name, 1.0); }

Result<Configuration> FunctionStore::route(const FunctionName& name, double draw) const {
    const auto found = functions_.find(name.name);
    if (found == functions_.end()) return no_function(name.name, name.qualifier);
    const auto& function = found->second;
    if (name.qualifier.empty() || name.qualifier == latest_version) return function.latest;
    std::string version = name.qualifier;
    if (const auto alias = function.aliases.find(name.qualifier); alias != function.aliases.end()) {
        const auto& split = alias->second;
        version = split.additional && draw < split.weight ? *split.additional : split.version;
        if (version == latest_version) return function.latest;
    }
    if (is_version_number(version))
        if (const auto exact = function.versions.find(std::stoull(version)); exact != function.versions.end())
            return exact->second;
    return no_function(name.name, name.qualifier);
}

Result<Configuration> FunctionStore::update_settings(std::string_view name, const SettingsDelta& delta,
                                                     std::string_view expected) {
    auto function = edit_head(name, expected);
    if (!function) return function.forward();
    auto& head = (*function)->latest;
    auto settings = with(head.settings, delta);
    auto description = delta.description.value_or(head.description);
    if (auto checked = check_settings(settings, description); !checked) return checked.forward();
    head.settings = std::move(settings);
    head.description = std::move(description);
    touch(head);
    return head;
}

Result<Configuration> FunctionStore::update_code(std::string_view name, const Code& code,
                                                 std::string_view expected) {
    auto function = edit_head(name, expected);
    if (!function) return function.forward();
    auto& head = (*function)->latest;
    head.code = code;
    touch(head);
    return head;
}

Result<Configuration> FunctionStore::publish(std::string_view name, const PublishRequest& request) {
    auto found = edit_head(name, request.expected);
    if (!found) return found.forward();
    auto& function = **found;
    auto& head = function.latest;
    if (!request.code_sha256.empty() && request.code_sha256 != head.code.sha256)
        return lambda_fault(Fault::invalid_parameter,
                            "CodeSHA256 (" + request.code_sha256 +
                                ") is different from current CodeSHA256 in $LATEST (" + head.code.sha256 +
                                "). Please try again with the CodeSHA256 in $LATEST.");
    if (!function.versions.empty()) {
        const auto& newest = function.versions.rbegin()->second;
        if (newest.settings == head.settings && newest.code == head.code) return newest;
    }
    auto version = head;
    version.description = request.description.value_or(head.description);
    if (auto checked = check_settings(version.settings, version.description); !checked)
        return checked.forward();
    version.version = std::to_string(function.next_version);
    version.revision_id = new_id_();
    head.revision_id = new_id_();
    return function.versions.emplace(function.next_version++, std::move(version)).first->second;
}

Status FunctionStore::remove(std::string_view name) {
    if (functions_.erase(std::string(name)) == 0) return no_function(name);
    return ok();
}

Status FunctionStore::remove_version(std::string_view name, std::string_view version) {
    auto found = edit(name);
    if (!found) return found.forward();
    auto& function = **found;
    if (version == latest_version)
        return lambda_fault(Fault::invalid_parameter,
                            "$LATEST version cannot be deleted without deleting the function.");
    if (!is_version_number(version))
        return lambda_fault(Fault::invalid_parameter, "Deletion of aliases is not currently supported.");
    for (const auto& [alias, split] : function.aliases)
        if (split.version == version || split.additional == version)
            return lambda_fault(Fault::conflict, "Version " + std::string(version) + " of function " +
                                                     std::string(name) + " is in use by alias " + alias);
    function.versions.erase(std::stoull(std::string(version)));
    function.provisioned.erase(std::string(version));
    return ok();
}

Status FunctionStore::tag(std::string_view name, const std::map<std::string, std::string>& tags) {
    auto function = edit(name);
    if (!function) return function.forward();
    auto merged = tags;
    merged.merge(std::map((*function)->tags));
    if (merged.size() > 50)
        return lambda_fault(Fault::invalid_parameter, "Number of tags exceeds resource tag limit.");
    (*function)->tags = std::move(merged);
    return ok();
}

Status FunctionStore::untag(std::string_view name, const std::vector<std::string>& keys) {
    auto function = edit(name);
    if (!function) return function.forward();
    for (const auto& key : keys) (*function)->tags.erase(key);
    return ok();
}

Status FunctionStore::reserve_concurrency(std::string_view name, std::optional<std::uint32_t> limit) {
    auto function = edit(name);
    if (!function) return function.forward();
    (*function)->reserved_concurrency = limit;
    return ok();
}

Status FunctionStore::set_origin(std::string_view name, std::string origin) {
    auto function = edit(name);
    if (!function) return function.forward();
    (*function)->origin = std::move(origin);
    return ok();
}

template <class Visit>
void FunctionStore::each_configuration(Visit visit) const {
    for (const auto& [name, function] : functions_) {
        visit(function.latest);
        for (const auto& [number, version] : function.versions) visit(version);
    }
}

std::set<std::string> FunctionStore::code_in_use() const {
    std::set<std::string> hashes;
    each_configuration([&](const Configuration& c) {
        hashes.insert(c.code.sha256);
        for (const auto& layer : c.settings.layers) hashes.insert(layer.code.sha256);
    });
    return hashes;
}

std::vector<std::vector<AttachedLayer>> FunctionStore::layers_in_use() const {
    std::vector<std::vector<AttachedLayer>> all;
    each_configuration([&](const Configuration& c) { all.push_back(c.settings.layers); });
    return all;
}

}  // namespace autotune::host
