// Registry: the FunctionStore kept on disk, with the code of its packages beside it.
//
// Every change is saved before it is answered; when saving fails the change is taken back, so memory
// and disk agree. Unpacking a package happens on the caller's thread, the event loop's: a 50 MiB upload
// holds other callers up for the moment that takes, which a host on one's own machine can bear.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/control/package.hpp"
#include "host/control/persistence.hpp"
#include "host/control/requests.hpp"
#include "host/control/store.hpp"

namespace autotune::host {

struct RegistryOptions {
    std::filesystem::path state;  // folder, made when absent
    Home home;
    const Clock& clock;  // outlives the registry
    IdSource new_id;     // empty: random UUIDs
    PackageLimits limits;
};

class Registry {
public:
    // Reads what an earlier host saved. Errors: corrupt, unavailable, with the path.
    static Result<std::unique_ptr<Registry>> open(RegistryOptions options);

    [[nodiscard]] const FunctionStore& store() const { return store_; }
    [[nodiscard]] const LayerStore& layers() const { return layers_; }
    [[nodiscard]] const StateFolder& state() const { return state_; }

    // Called for each snapshot that no new invocation will use: the old $LATEST after an update, removed
    // versions. At most one listener.
    void when_superseded(std::function<void(const Configuration&)> listener) {
        superseded_ = std::move(listener);
    }

    // Called after each change of a function, with its name; when it is gone, too. At most one listener.
    void when_changed(std::function<void(const std::string&)> listener) { changed_ = std::move(listener); }

    Result<Configuration> create(CreateFunctionRequest request);
    Result<Configuration> update_code(std::string_view name, const UpdateCodeRequest& request);
    Result<Configuration> update_settings(std::string_view name, const UpdateSettingsRequest& request);
    Result<Configuration> publish(std::string_view name, const PublishRequest& request);
    Status remove(std::string_view name);
    Status remove_version(std::string_view name, std::string_view version);
    Result<Alias> create_alias(std::string_view function, const AliasChange& wanted);
    Result<Alias> update_alias(std::string_view function, const AliasChange& change);
    Status remove_alias(std::string_view function, std::string_view name);
    Status tag(std::string_view function, const std::map<std::string, std::string>& tags);
    Status untag(std::string_view function, const std::vector<std::string>& keys);
    Status reserve_concurrency(std::string_view function, std::optional<std::uint32_t> limit);
    Status provision(std::string_view function, const std::string& qualifier, std::optional<std::uint32_t> count);
    Status set_origin(std::string_view function, std::string origin);
    Result<LayerVersion> publish_layer(PublishLayerRequest request);
    Status remove_layer_version(std::string_view name, std::uint64_t number);

private:
    Registry(FunctionStore store, LayerStore layers, StateFolder state, PackageLimits limits)
        : store_(std::move(store)), layers_(std::move(layers)), state_(std::move(state)), limits_(limits) {}
    // The layers as a function with that code gets them, ready below the state folder.
    Result<std::vector<AttachedLayer>> attach(const std::vector<AttachedLayer>& wanted, const Code& code) const;
    // Runs `change` on a layer and saves it; undoes it when that fails.
    template <class Change>
    auto saved_layer(const std::string& name, Change change) -> decltype(change());
    // Runs `change` on the store and saves the function; undoes it when that fails.
    template <class Change>
    auto saved(std::string_view name, Change change) -> decltype(change());

    FunctionStore store_;
    LayerStore layers_;
    StateFolder state_;
    PackageLimits limits_;
    std::function<void(const Configuration&)> superseded_ = [](const Configuration&) {};
    std::function<void(const std::string&)> changed_ = [](const std::string&) {};
};

}  // namespace autotune::host
