#include "host/control/layers.hpp"

#include <algorithm>
#include <set>

#include "host/control/faults.hpp"

namespace autotune::host {
namespace {

constexpr std::string_view name_pattern =
    "Member must satisfy regular expression pattern: "
    "(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+";
constexpr std::string_view not_there = "The resource you requested does not exist.";
constexpr std::size_t longest_name = 140, longest_description = 256, longest_license = 512, most_runtimes = 15;

bool is_word(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

// Of whatever region and account: arn:PARTITION:lambda:REGION:ACCOUNT:layer:NAME.
bool is_layer_arn(std::string_view text) {
    std::vector<std::string_view> parts;
    for (std::size_t from = 0, colon = 0; colon != std::string_view::npos; from = colon + 1) {
        colon = text.find(':', from);
        parts.push_back(text.substr(from, colon - from));
    }
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return parts.size() == 7 && std::all_of(parts.begin(), parts.end(), is_word) && parts[0] == "arn" && parts[2] == "lambda" &&
           parts[4].size() == 12 && std::all_of(parts[4].begin(), parts[4].end(), is_digit) && parts[5] == "layer";
}

Status check_length(std::string_view text, std::string_view member, std::size_t most) {
    if (text.size() <= most) return ok();
    return constraint_fault("'" + std::string(text) + "'", member,
                            "Member must have length less than or equal to " + std::to_string(most));
}

}  // namespace

std::string layer_arn(const Home& home, std::string_view name) {
    return "arn:aws:lambda:" + home.region + ":" + home.account + ":layer:" + std::string(name);
}

std::string layer_version_arn(const Home& home, std::string_view name, std::uint64_t number) {
    return layer_arn(home, name) + ":" + std::to_string(number);
}

Result<std::string> parse_layer_name(std::string_view text, const Home& home) {
    const auto own = layer_arn(home, "");
    const auto name = text.starts_with(own) ? text.substr(own.size()) : text;
    if (is_word(name) && text.size() <= longest_name) return std::string(name);
    if (is_layer_arn(text) && text.size() <= longest_name) return lambda_fault(Fault::not_found, std::string(not_there));
    return constraint_fault("'" + std::string(text) + "'", "layerName", name_pattern);
}

Result<LayerVersion> LayerStore::publish(LayerVersion wanted) {
    if (auto fits = check_length(wanted.description, "description", longest_description); !fits) return fits.forward();
    if (auto fits = check_length(wanted.license, "licenseInfo", longest_license); !fits) return fits.forward();
    if (wanted.runtimes.size() > most_runtimes)
        return constraint_fault("'" + std::to_string(wanted.runtimes.size()) + " runtimes'", "compatibleRuntimes",
                                "Member must have length less than or equal to 15");
    auto& layer = layers_[wanted.name];
    layer.name = wanted.name;
    wanted.number = layer.next++;
    wanted.created = clock_.wall();
    return layer.versions.emplace(wanted.number, std::move(wanted)).first->second;
}

Result<LayerVersion> LayerStore::find(std::string_view name, std::uint64_t number) const {
    if (const auto layer = layers_.find(std::string(name)); layer != layers_.end())
        if (const auto version = layer->second.versions.find(number); version != layer->second.versions.end())
            return version->second;
    return lambda_fault(Fault::not_found, std::string(not_there));
}

Result<LayerVersion> LayerStore::find(std::string_view arn) const {
    const auto colon = arn.rfind(':');
    const auto number = colon == std::string_view::npos ? std::string_view() : arn.substr(colon + 1);
    const auto layer = arn.substr(0, colon);
    if (!is_layer_arn(layer) || !is_version_number(number))
        return constraint_fault("'" + std::string(arn) + "'", "arn",
                                "Member must satisfy regular expression pattern: "
                                "arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+");
    const auto name = parse_layer_name(layer, home_);
    if (!name) return name.forward();
    return find(*name, std::stoull(std::string(number)));
}

void LayerStore::remove(std::string_view name, std::uint64_t number) {
    if (const auto layer = layers_.find(std::string(name)); layer != layers_.end()) layer->second.versions.erase(number);
}

Result<std::vector<AttachedLayer>> LayerStore::attach(const std::vector<AttachedLayer>& wanted) const {
    if (wanted.size() > most_layers)
        return lambda_fault(Fault::invalid_parameter,
                            "Cannot reference more than " + std::to_string(most_layers) + " layers.");
    std::vector<AttachedLayer> attached;
    std::set<std::string> names;
    for (const auto& [arn, code] : wanted) {
        const auto version = find(arn);
        if (!version && version.error().code == Errc::not_found)
            return lambda_fault(Fault::invalid_parameter, "Layer version " + arn + " does not exist.");
        if (!version) return version.forward();
        if (!names.insert(version->name).second)
            return lambda_fault(Fault::invalid_parameter,
                                "Two different versions of the same layer are not allowed to be referenced in the "
                                "same function. " +
                                    layer_arn(home_, version->name));
        attached.push_back({arn, version->code});
    }
    return attached;
}

}  // namespace autotune::host
