#include "host/control/registry.hpp"

#include "host/control/digest.hpp"
#include "host/control/faults.hpp"

namespace autotune::host {

Result<std::unique_ptr<Registry>> Registry::open(RegistryOptions options) {
    auto state = StateFolder::open(std::move(options.state));
    if (!state) return state.forward();
    auto saved = state->load();
    if (!saved) return saved.forward();
    auto saved_layers = state->load_layers();
    if (!saved_layers) return saved_layers.forward();
    LayerStore layers(options.home, options.clock);
    for (auto& layer : *saved_layers) layers.restore(std::move(layer));
    FunctionStore store(std::move(options.home), options.clock,
                        options.new_id ? std::move(options.new_id) : IdSource(random_uuid));
    for (auto& function : *saved) store.restore(std::move(function));
    auto needed = store.code_in_use();
    for (const auto& [name, layer] : layers.all())
        for (const auto& [number, version] : layer.versions) needed.insert(version.code.sha256);
    state->sweep(needed, store.layers_in_use());
    return std::unique_ptr<Registry>(
        new Registry(std::move(store), std::move(layers), *std::move(state), options.limits));
}

template <class Change>
auto Registry::saved(std::string_view name, Change change) -> decltype(change()) {
    std::optional<Function> before;
    if (const auto found = store_.all().find(std::string(name)); found != store_.all().end())
        before = found->second;
    auto result = change();
    if (!result) return result;
    const auto after = store_.find(name);
    const auto written = after ? state_.save(after->get()) : state_.remove(name);
    if (written) {
        changed_(std::string(name));
        return result;
    }
    if (before)
        store_.restore(*std::move(before));
    else
        (void)store_.remove(name);
    return lambda_fault(Fault::service, written.error().message);
}

Result<Configuration> Registry::create(CreateFunctionRequest request) {
    auto& wanted = request.function;
    const auto name = wanted.name;
    // Before the package is unpacked for nothing.
    if (store_.all().contains(name)) return lambda_fault(Fault::conflict, "Function already exist: " + name);
    if (auto checked = check_settings(wanted.settings, wanted.description); !checked)
        return checked.forward();
    auto code = state_.put_code(request.zip, limits_);
    if (!code) return code.forward();
    wanted.code = *std::move(code);
    auto layers = attach(wanted.settings.layers, wanted.code);
    if (!layers) return layers.forward();
    wanted.settings.layers = *std::move(layers);
    return saved(name, [&]() -> Result<Configuration> {
        auto created = store_.create(std::move(wanted));
        if (!created || request.publish == Publish::no) return created;
        return store_.publish(name, {});
    });
}

Result<Configuration> Registry::update_code(std::string_view name, const UpdateCodeRequest& request) {
    const auto found = store_.find(name);
    if (!found) return found.forward();
    const auto old = found->get().latest;
    auto code = state_.put_code(request.zip, limits_);
    if (!code) return code.forward();
    if (request.dry_run == DryRun::yes) {
        auto would_be = old;
        would_be.code = *code;
        return would_be;
    }
    auto updated = saved(name, [&]() -> Result<Configuration> {
        auto head = store_.update_code(name, *code, request.expected);
        if (!head || request.publish == Publish::no) return head;
        return store_.publish(name, {});
    });
    if (updated) superseded_(old);
    return updated;
}

Result<Configuration> Registry::update_settings(std::string_view name, const UpdateSettingsRequest& request) {
    const auto found = store_.find(name);
    if (!found) return found.forward();
    const auto old = found->get().latest;
    auto delta = request.delta;
    if (delta.layers) {
        auto layers = attach(*delta.layers, old.code);
        if (!layers) return layers.forward();
        delta.layers = *std::move(layers);
    }
    auto updated = saved(name, [&] { return store_.update_settings(name, delta, request.expected); });
    if (updated) superseded_(old);
    return updated;
}

Result<std::vector<AttachedLayer>> Registry::attach(const std::vector<AttachedLayer>& wanted,
                                                    const Code& code) const {
    auto attached = layers_.attach(wanted);
    if (!attached || attached->empty()) return attached;
    auto bytes = state_.unpacked_size(code);
    for (const auto& layer : *attached) bytes += state_.unpacked_size(layer.code);
    if (bytes > limits_.unzipped)
        return lambda_fault(Fault::invalid_parameter,
                            "Function code combined with layers exceeds the maximum allowed size of " +
                                std::to_string(limits_.unzipped) + " bytes. The actual size is " +
                                std::to_string(bytes) + " bytes.");
    if (auto ready = state_.put_layers(*attached); !ready) return lambda_fault(Fault::service, ready.error().message);
    return attached;
}

template <class Change>
auto Registry::saved_layer(const std::string& name, Change change) -> decltype(change()) {
    std::optional<LayerHistory> before;
    if (const auto found = layers_.all().find(name); found != layers_.all().end()) before = found->second;
    auto result = change();
    if (!result) return result;
    const auto after = layers_.all().find(name);
    const auto written = after == layers_.all().end() ? ok() : state_.save(after->second);
    if (written) return result;
    if (before)
        layers_.restore(*std::move(before));
    else
        layers_.forget(name);
    return lambda_fault(Fault::service, written.error().message);
}

Result<LayerVersion> Registry::publish_layer(PublishLayerRequest request) {
    auto code = state_.put_code(request.zip, limits_);
    if (!code) return code.forward();
    request.layer.code = *std::move(code);
    return saved_layer(request.layer.name, [&] { return layers_.publish(request.layer); });
}

Status Registry::remove_layer_version(std::string_view name, std::uint64_t number) {
    return saved_layer(std::string(name), [&]() -> Status {
        layers_.remove(name, number);
        return ok();
    });
}

Result<Configuration> Registry::publish(std::string_view name, const PublishRequest& request) {
    return saved(name, [&] { return store_.publish(name, request); });
}

Status Registry::remove(std::string_view name) {
    const auto found = store_.find(name);
    if (!found) return found.forward();
    const auto old = found->get();
    auto removed = saved(name, [&] { return store_.remove(name); });
    if (!removed) return removed;
    superseded_(old.latest);
    for (const auto& [number, version] : old.versions) superseded_(version);
    return removed;
}

Status Registry::remove_version(std::string_view name, std::string_view version) {
    const auto old = store_.resolve({std::string(name), std::string(version)});
    auto removed = saved(name, [&] { return store_.remove_version(name, version); });
    if (removed && old) superseded_(*old);
    return removed;
}

Result<Alias> Registry::create_alias(std::string_view function, const AliasChange& wanted) {
    return saved(function, [&] { return store_.create_alias(function, wanted); });
}

Result<Alias> Registry::update_alias(std::string_view function, const AliasChange& change) {
    return saved(function, [&] { return store_.update_alias(function, change); });
}

Status Registry::remove_alias(std::string_view function, std::string_view name) {
    return saved(function, [&] { return store_.remove_alias(function, name); });
}

Status Registry::tag(std::string_view function, const std::map<std::string, std::string>& tags) {
    return saved(function, [&] { return store_.tag(function, tags); });
}

Status Registry::untag(std::string_view function, const std::vector<std::string>& keys) {
    return saved(function, [&] { return store_.untag(function, keys); });
}

Status Registry::reserve_concurrency(std::string_view function, std::optional<std::uint32_t> limit) {
    return saved(function, [&] { return store_.reserve_concurrency(function, limit); });
}

Status Registry::provision(std::string_view function, const std::string& qualifier, std::optional<std::uint32_t> count) {
    return saved(function, [&] { return store_.provision(function, qualifier, count); });
}

Status Registry::set_origin(std::string_view function, std::string origin) {
    return saved(function, [&] { return store_.set_origin(function, std::move(origin)); });
}

}  // namespace autotune::host
