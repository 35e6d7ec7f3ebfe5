// The control API's request bodies as values. Errors are what Lambda answers to a body that breaks the
// model: ValidationException, InvalidParameterValueException, InvalidRequestContentException.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "host/control/layers.hpp"
#include "host/control/store.hpp"

namespace autotune::host {

enum class Publish : bool { no, yes };
enum class DryRun : bool { no, yes };

struct CreateFunctionRequest {
    NewFunction function;  // without its code; `name` as the caller wrote it
    std::string zip;
    Publish publish = Publish::no;
};
struct UpdateCodeRequest {
    std::string zip;
    std::string expected;
    Publish publish = Publish::no;
    DryRun dry_run = DryRun::no;
};
struct UpdateSettingsRequest {
    SettingsDelta delta;
    std::string expected;
};

struct PublishLayerRequest {
    LayerVersion layer;  // without its name, which is in the path, and its code
    std::string zip;
};

Result<PublishLayerRequest> parse_publish_layer(std::string_view body);
Result<CreateFunctionRequest> parse_create_function(std::string_view body);
Result<UpdateCodeRequest> parse_update_code(std::string_view body);
Result<UpdateSettingsRequest> parse_update_settings(std::string_view body);
Result<PublishRequest> parse_publish(std::string_view body);
Result<AliasChange> parse_create_alias(std::string_view body);
Result<AliasChange> parse_update_alias(std::string_view body);  // without the name, which is in the path
Result<std::uint32_t> parse_concurrency(std::string_view body);
Result<std::uint32_t> parse_provisioned_concurrency(std::string_view body);
Result<std::map<std::string, std::string>> parse_tags(std::string_view body);

}  // namespace autotune::host
