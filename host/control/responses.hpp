// The control API's answers as JSON text, shaped as botocore's model of 2015-03-31 has them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/control/arn.hpp"
#include "host/control/layers.hpp"
#include "host/control/model.hpp"
#include "host/invoker.hpp"

namespace autotune::host {

// `qualifier`: as the ARN shall show it; empty for the unqualified ARN.
[[nodiscard]] std::string configuration_json(const Configuration& configuration, const Home& home,
                                             std::string_view qualifier);

struct FunctionAnswer {
    const Configuration& configuration;
    const Function& function;
    std::string qualifier;
    std::string code_url;
};
[[nodiscard]] std::string function_json(const FunctionAnswer& answer, const Home& home);

// One page of a list. `next`: where the following page begins, empty on the last one.
struct ConfigurationPage {
    std::vector<Configuration> items;
    std::string next;
};
enum class ArnStyle : std::uint8_t { unqualified, qualified };
[[nodiscard]] std::string configurations_json(std::string_view member, const ConfigurationPage& page,
                                              const Home& home, ArnStyle style);

[[nodiscard]] std::string alias_json(const Alias& alias, std::string_view function, const Home& home);
struct AliasPage {
    std::vector<Alias> items;
    std::string next;
};
[[nodiscard]] std::string aliases_json(const AliasPage& page, std::string_view function, const Home& home);

[[nodiscard]] std::string concurrency_json(const Function& function);
struct ProvisionedAnswer {
    std::string arn;  // with its qualifier; told in lists only
    Provisioned wanted;
    WarmState state;
};
[[nodiscard]] std::string provisioned_json(const ProvisionedAnswer& answer);
[[nodiscard]] std::string provisioned_list_json(const std::vector<ProvisionedAnswer>& all);
[[nodiscard]] std::string tags_json(const std::map<std::string, std::string>& tags);

struct AccountUsage {
    std::uint64_t concurrency = 0, unreserved = 0, functions = 0, code_bytes = 0;
};
[[nodiscard]] std::string account_json(const AccountUsage& usage);

// `url`: where the archive can be fetched.
[[nodiscard]] std::string layer_version_json(const LayerVersion& version, const Home& home, std::string_view url);
struct LayerPage {
    std::vector<LayerVersion> items;
    std::string next;
};
[[nodiscard]] std::string layer_versions_json(const LayerPage& page, const Home& home);
// Layers, each by its newest version.
[[nodiscard]] std::string layers_json(const LayerPage& page, const Home& home);

}  // namespace autotune::host
