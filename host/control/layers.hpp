// Layers: archives that functions find below /opt, published in versions that never change.
//
// LayerStore knows them all; in memory and pure, as FunctionStore is. A version that was removed cannot be given to
// a function any more; functions that have it keep it, so each function notes the code of its layers itself.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"
#include "host/control/arn.hpp"
#include "host/control/model.hpp"

namespace autotune::host {

inline constexpr std::size_t most_layers = 5;  // of one function

struct LayerVersion {
    std::string name;
    std::uint64_t number = 0;  // from 1; never used again
    std::string description, license;
    std::vector<std::string> runtimes, architectures;  // that it says it is for: to be found by, not enforced, as on Lambda
    Code code;
    WallTime created;
    bool operator==(const LayerVersion&) const = default;
};

struct LayerHistory {
    std::string name;
    std::uint64_t next = 1;
    std::map<std::uint64_t, LayerVersion> versions;
    bool operator==(const LayerHistory&) const = default;
};

[[nodiscard]] std::string layer_arn(const Home& home, std::string_view name);
[[nodiscard]] std::string layer_version_arn(const Home& home, std::string_view name, std::uint64_t number);
// A layer's name, from a name or an ARN. Errors: ValidationException, ResourceNotFoundException for another region or account.
[[nodiscard]] Result<std::string> parse_layer_name(std::string_view text, const Home& home);

class LayerStore {
public:
    // REQUIRES: `clock` outlives the store.
    LayerStore(Home home, const Clock& clock) : home_(std::move(home)), clock_(clock) {}

    void restore(LayerHistory layer) { layers_[layer.name] = std::move(layer); }
    void forget(const std::string& name) { layers_.erase(name); }
    [[nodiscard]] const std::map<std::string, LayerHistory>& all() const { return layers_; }
    [[nodiscard]] const Home& home() const { return home_; }

    // `wanted` without number and time. Errors: ValidationException.
    Result<LayerVersion> publish(LayerVersion wanted);
    // Errors: ResourceNotFoundException.
    [[nodiscard]] Result<LayerVersion> find(std::string_view name, std::uint64_t number) const;
    // By a version's ARN. Errors: ValidationException, ResourceNotFoundException.
    [[nodiscard]] Result<LayerVersion> find(std::string_view arn) const;
    void remove(std::string_view name, std::uint64_t number);  // no error when there is none, as on Lambda

    // What a function gets that asks for these versions, in this order. Errors: InvalidParameterValueException for
    // more than five, two of one layer, or one that is not there.
    [[nodiscard]] Result<std::vector<AttachedLayer>> attach(const std::vector<AttachedLayer>& wanted) const;

private:
    Home home_;
    const Clock& clock_;
    std::map<std::string, LayerHistory> layers_;
};

}  // namespace autotune::host
