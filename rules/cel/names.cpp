#include "rules/cel/names.hpp"

#include <algorithm>
#include <array>

namespace autotune::cel {

namespace {

constexpr std::array<std::string_view, 12> kTypes{"bool",
                                                  "bytes",
                                                  "double",
                                                  "google.protobuf.Duration",
                                                  "google.protobuf.Timestamp",
                                                  "int",
                                                  "list",
                                                  "map",
                                                  "null_type",
                                                  "string",
                                                  "type",
                                                  "uint"};

// Calls `found` with each full name that `name` may be short for, until it says yes.
template <class Found>
bool any_candidate(const Environment& environment, std::string_view name, Found found) {
    if (name.starts_with('.')) return found(name.substr(1));
    for (std::string container = environment.container; !container.empty();) {
        if (found(container + "." + std::string(name))) return true;
        const auto dot = container.rfind('.');
        container.resize(dot == std::string::npos ? 0 : dot);
    }
    return found(name);
}

bool begins(std::string_view whole, std::string_view beginning) {
    return whole.size() > beginning.size() && whole.starts_with(beginning) && whole[beginning.size()] == '.';
}

}  // namespace

std::optional<std::size_t> find_variable(const Environment& environment, std::string_view name) {
    std::optional<std::size_t> out;
    any_candidate(environment, name, [&](std::string_view full) {
        for (std::size_t i = 0; i < environment.variables.size() && !out; ++i)
            if (environment.variables[i].name == full) out = i;
        return out.has_value();
    });
    return out;
}

bool begins_variable(const Environment& environment, std::string_view name) {
    return any_candidate(environment, name, [&](std::string_view full) {
        return std::any_of(environment.variables.begin(), environment.variables.end(),
                           [&](const Variable& v) { return begins(v.name, full); });
    });
}

std::optional<TypeName> find_type(const Environment& environment, std::string_view name) {
    std::optional<TypeName> out;
    any_candidate(environment, name, [&](std::string_view full) {
        if (std::find(kTypes.begin(), kTypes.end(), full) != kTypes.end()) out = TypeName{std::string(full)};
        return out.has_value();
    });
    return out;
}

bool begins_type(const Environment& environment, std::string_view name) {
    return any_candidate(environment, name, [&](std::string_view full) {
        return std::any_of(kTypes.begin(), kTypes.end(), [&](std::string_view t) { return begins(t, full); });
    });
}

std::string_view type_name(Kind kind) {
    if (kind == Kind::duration) return "google.protobuf.Duration";
    if (kind == Kind::timestamp) return "google.protobuf.Timestamp";
    return to_string(kind);
}

}  // namespace autotune::cel
