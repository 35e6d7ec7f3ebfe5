#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "agent/native/probe_plan.hpp"
#include "agent/symbols/process_maps.hpp"
#include "os/file.hpp"

namespace autotune::native {

namespace fs = std::filesystem;

namespace {

constexpr std::array<const char*, 6> kLibraries{"/lib/x86_64-linux-gnu",
                                                "/usr/lib/x86_64-linux-gnu",
                                                "/lib/aarch64-linux-gnu",
                                                "/usr/lib/aarch64-linux-gnu",
                                                "/usr/lib64",
                                                "/usr/lib"};

bool is_file(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// What the process calls it: libssl means libssl.so.3 as well.
bool means(std::string_view name, std::string_view file) {
    return file == name || (file.starts_with(name) && file.substr(name.size()).starts_with(".so"));
}

std::string as_seen_by(std::int32_t process, const std::string& path) {
    std::string seen = "/proc/" + std::to_string(process) + "/root" + path;
    return is_file(seen) ? seen : path;
}

}  // namespace

Result<std::string> find_binary(std::string_view name, std::optional<std::int32_t> process) {
    const std::string wanted(name);
    if (name.find('/') != std::string_view::npos)
        return process && name.starts_with('/') ? as_seen_by(*process, wanted) : wanted;
    if (process) {
        const auto maps = read_file("/proc/" + std::to_string(*process) + "/maps");
        if (!maps && maps.error().code == Errc::not_found)
            return fail(Errc::not_found, "no process has the id " + std::to_string(*process));
        if (!maps) return maps.forward();
        const auto mapped = symbols::ProcessMaps::parse(*maps);
        for (const symbols::Mapping& m : mapped.mappings())
            if (m.has_file() && means(name, last_part(m.path))) return as_seen_by(*process, m.path);
    }
    for (const char* folder : kLibraries)
        if (is_file(fs::path(folder) / wanted)) return (fs::path(folder) / wanted).string();
    const char* path = std::getenv("PATH");
    std::string_view rest = path != nullptr ? path : "";
    while (!rest.empty()) {
        const auto colon = rest.find(':');
        const fs::path candidate = fs::path(rest.substr(0, colon)) / wanted;
        if (is_file(candidate) && access(candidate.c_str(), X_OK) == 0) return candidate.string();
        rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
    }
    return fail(Errc::not_found, "there is no program or library " + wanted +
                                     " on PATH or among the system's libraries; give its path");
}

}  // namespace autotune::native
