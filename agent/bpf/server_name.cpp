#include "agent/bpf/server_name.hpp"

#include <algorithm>
#include <cctype>

namespace autotune {
namespace {

constexpr int kMostSegments = 6;
constexpr std::size_t kLongest = 128;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

bool is_identifier(std::string_view segment) {
    if (segment.empty()) return false;
    if (std::ranges::all_of(segment, is_digit)) return true;
    if (segment.size() < 8 || !std::ranges::any_of(segment, is_digit)) return false;
    return std::ranges::all_of(segment, [](char c) { return is_hex(c) || c == '-'; });
}

}  // namespace

ServiceName parse_service_name(std::string_view environment) {
    ServiceName found;
    std::string_view target;
    while (!environment.empty()) {
        const std::string_view entry = environment.substr(0, environment.find('\0'));
        environment.remove_prefix(std::min(entry.size() + 1, environment.size()));
        const auto equals = entry.find('=');
        if (equals == std::string_view::npos) continue;
        const std::string_view name = entry.substr(0, equals), value = entry.substr(equals + 1);
        if (name == "K_SERVICE") found.function = value.substr(0, kLongest);
        if (name == "K_REVISION") found.revision = value.substr(0, kLongest);
        if (name == "FUNCTION_TARGET") target = value.substr(0, kLongest);
    }
    if (found.function.empty()) found = {.function = std::string(target), .revision = {}};
    return found;
}

std::string route_name(std::string_view method, std::string_view path) {
    std::string name(method);
    name += ' ';
    if (!path.starts_with('/')) return (name += path.substr(0, kLongest));
    int segments = 0;
    while (!path.empty()) {
        path.remove_prefix(1);  // the slash
        const std::string_view segment = path.substr(0, path.find('/'));
        path.remove_prefix(segment.size());
        if (++segments > kMostSegments || name.size() + segment.size() > kLongest) return name += "/…";
        name += '/';
        name += is_identifier(segment) ? std::string_view("{}") : segment;
    }
    return name;
}

}  // namespace autotune
