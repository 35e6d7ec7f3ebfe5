#include "host/control/manifest.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <optional>
#include <set>
#include <vector>

namespace autotune::host {
namespace {

// What is wrong, and where; thrown and caught in this file only, like yaml-cpp's own exceptions.
struct Complaint {
    YAML::Mark mark;
    std::string message;
};

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        auto diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const auto changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
        }
    }
    return row.back();
}

constexpr std::array<std::string_view, 11> known_keys{"name", "description", "runtime", "handler",
                                                      "role", "memory_mb",   "timeout", "environment",
                                                      "tags", "labels",      "aliases"};

std::string unknown_key(const std::string& key) {
    const auto nearest = std::min_element(known_keys.begin(), known_keys.end(), [&](auto a, auto b) {
        return edit_distance(key, a) < edit_distance(key, b);
    });
    std::string message = "unknown key '" + key + "'";
    if (edit_distance(key, *nearest) <= 3) return message + "; did you mean '" + std::string(*nearest) + "'?";
    message += "; known are";
    for (const auto known : known_keys) message.append(known == known_keys[0] ? " " : ", ").append(known);
    return message;
}

std::string scalar(const YAML::Node& node, std::string_view key) {
    if (!node.IsScalar()) throw Complaint{node.Mark(), std::string(key) + " must be a single value"};
    return node.Scalar();
}

std::uint64_t whole_number(std::string_view text) {
    const bool digits = !text.empty() && text.size() <= 9 &&
                        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits || (text.size() > 1 && text.front() == '0')) throw std::invalid_argument("");
    return std::stoull(std::string(text));
}

std::uint32_t number(const YAML::Node& node, std::string_view key) try {
    return static_cast<std::uint32_t>(whole_number(scalar(node, key)));
} catch (const std::invalid_argument&) {
    throw Complaint{node.Mark(), std::string(key) + " must be a whole number without leading zeros, not '" +
                                     node.Scalar() + "'"};
}

// "90", "3s", "1m30s", "1h".
std::uint32_t seconds(const YAML::Node& node, std::string_view key) try {
    const auto text = scalar(node, key);
    if (text.find_first_not_of("0123456789") == std::string::npos)
        return static_cast<std::uint32_t>(whole_number(text));
    std::uint64_t total = 0;
    for (std::string_view left = text; !left.empty();) {
        const auto unit = left.find_first_not_of("0123456789");
        const auto value = whole_number(left.substr(0, unit));
        const auto letter = unit < left.size() ? left[unit] : ' ';
        total += value * (letter == 's'   ? 1
                          : letter == 'm' ? 60
                          : letter == 'h' ? 3600
                                          : throw std::invalid_argument(""));
        left.remove_prefix(unit + 1);
    }
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(total, UINT32_MAX));
} catch (const std::invalid_argument&) {
    throw Complaint{node.Mark(), std::string(key) +
                                     " must be whole seconds or a duration such as 3s or 1m30s, not '" +
                                     node.Scalar() + "'"};
}

using Visit =
    std::function<void(const std::string& key, const YAML::Node& key_node, const YAML::Node& value)>;

// yaml-cpp keeps duplicate keys; only a walk over all pairs sees them.
void each(const YAML::Node& map, std::string_view what, const Visit& visit) {
    if (!map.IsMap()) throw Complaint{map.Mark(), std::string(what) + " must be a mapping"};
    std::set<std::string> seen;
    for (const auto& pair : map) {
        const auto key = scalar(pair.first, "a key");
        if (!seen.insert(key).second) throw Complaint{pair.first.Mark(), "duplicate key '" + key + "'"};
        visit(key, pair.first, pair.second);
    }
}

// Values stay as written: 010 is "010" and on is "on", since variables and tags are text anyway.
std::map<std::string, std::string> texts(const YAML::Node& map, std::string_view what) {
    std::map<std::string, std::string> found;
    each(map, what, [&](const std::string& key, const YAML::Node&, const YAML::Node& value) {
        found[key] = scalar(value, key);
    });
    return found;
}

std::map<std::string, std::uint64_t> versions(const YAML::Node& map) {
    std::map<std::string, std::uint64_t> found;
    each(map, "aliases", [&](const std::string& alias, const YAML::Node& key_node, const YAML::Node& value) {
        if (!is_alias_name(alias))
            throw Complaint{
                key_node.Mark(),
                "'" + alias + "' is no alias name: letters, digits, - and _, and not only digits"};
        found[alias] = number(value, alias);
        if (found[alias] == 0) throw Complaint{value.Mark(), "versions count from 1"};
    });
    return found;
}

void read_key(Manifest& manifest, const std::string& key, const YAML::Node& key_node,
              const YAML::Node& value) {
    auto& function = manifest.function;
    auto& settings = function.settings;
    if (key == "name")
        function.name = scalar(value, key);
    else if (key == "description")
        function.description = scalar(value, key);
    else if (key == "runtime")
        settings.runtime = scalar(value, key);
    else if (key == "handler")
        settings.handler = scalar(value, key);
    else if (key == "role")
        settings.role = scalar(value, key);
    else if (key == "memory_mb")
        settings.memory_mb = number(value, key);
    else if (key == "timeout")
        settings.timeout_s = seconds(value, key);
    else if (key == "environment")
        settings.environment = texts(value, key);
    else if (key == "tags" || key == "labels")
        function.tags.merge(texts(value, key));
    else if (key == "aliases")
        manifest.aliases = versions(value);
    else
        throw Complaint{key_node.Mark(), unknown_key(key)};
}

Manifest read(std::string_view text, Runtimes runtimes) {
    const auto root = YAML::Load(std::string(text));
    Manifest manifest;
    each(root, "function.yaml",
         [&](const std::string& key, const YAML::Node& key_node, const YAML::Node& value) {
             read_key(manifest, key, key_node, value);
         });
    auto& settings = manifest.function.settings;
    if (settings.runtime.empty())
        throw Complaint{root.Mark(), "runtime is missing, for example python3.11 or provided"};
    if (settings.handler.empty() && settings.runtime.starts_with("provided")) settings.handler = "bootstrap";
    if (settings.handler.empty()) throw Complaint{root.Mark(), "handler is missing, for example app.handler"};
    Settings here = settings;
    if (runtimes == Runtimes::any) here.runtime = "provided";
    if (const auto checked = check_settings(here, manifest.function.description); !checked)
        throw Complaint{root.Mark(), checked.error().message};
    return manifest;
}

Unexpected complain(const std::filesystem::path& file, const YAML::Mark& mark, const std::string& message) {
    return fail(Errc::invalid_argument, file.string() + ":" + std::to_string(std::max(mark.line, 0) + 1) +
                                            ":" + std::to_string(std::max(mark.column, 0) + 1) + ": " +
                                            message);
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text, const std::filesystem::path& file, Runtimes runtimes) try {
    auto manifest = read(text, runtimes);
    auto& function = manifest.function;
    if (function.name.empty()) function.name = file.parent_path().filename().string();
    if (function.settings.role.empty())
        function.settings.role = "arn:aws:iam::000000000000:role/autotune-host";
    function.settings.architecture = "x86_64";
    const auto name = parse_function_name(function.name, Home{});
    if (!name || name->name != function.name)
        return complain(file, {},
                        "'" + function.name + "' is no function name: up to 64 letters, digits, - and _");
    return manifest;
} catch (const Complaint& complaint) {
    return complain(file, complaint.mark, complaint.message);
} catch (const YAML::Exception& error) {
    return complain(file, error.mark, error.msg);
}

}  // namespace autotune::host
