#include "agent/bpf/tls_probes.hpp"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>

#include "agent/bpf/tls_library.hpp"
#include "agent/symbols/process_maps.hpp"
#include "os/file.hpp"

namespace autotune {
namespace {

constexpr std::size_t kMostSeen = 65'536;
constexpr std::array<const char*, 3> kSystem{"/usr/lib/*-linux-gnu/libssl.so.[0-9]*", "/usr/lib64/libssl.so.[0-9]*",
                                             "/usr/lib/libssl.so.[0-9]*"};

// The very file that is mapped, whatever its path means by now.
Fd open_mapping(const std::filesystem::path& process, const symbols::Mapping& mapping) {
    std::array<char, 40> range{};
    std::snprintf(range.data(), range.size(), "%llx-%llx", static_cast<unsigned long long>(mapping.start),
                  static_cast<unsigned long long>(mapping.end));
    Fd file(open((process / "map_files" / range.data()).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) file = Fd(open((process / "root" / mapping.path.substr(1)).c_str(), O_RDONLY | O_CLOEXEC));
    return file;
}

}  // namespace

void TlsProbes::look_at(std::int32_t pid) {
    const auto process = proc_ / std::to_string(pid);
    const auto text = read_file(process / "maps");
    if (!text) return;
    for (const auto maps = symbols::ProcessMaps::parse(*text); const symbols::Mapping& mapping : maps.mappings()) {
        if (!mapping.has_file() || !mapping.path.starts_with('/')) continue;
        if (seen_.contains({mapping.device, mapping.inode})) continue;
        if (const Fd file = open_mapping(process, mapping)) look_at(file, mapping.path);
    }
}

void TlsProbes::look_at_system() {
    for (const char* pattern : kSystem) {
        glob_t found{};
        if (glob(pattern, 0, nullptr, &found) == 0)
            for (std::size_t i = 0; i < found.gl_pathc; ++i)
                if (const Fd file(open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC)); file)
                    look_at(file, found.gl_pathv[i]);
        globfree(&found);
    }
}

void TlsProbes::look_at(const Fd& file, const std::string& name) {
    struct stat about {};
    if (fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) return;
    if (seen_.size() >= kMostSeen) seen_.clear();
    if (!seen_.emplace(about.st_dev, about.st_ino).second) return;
    const std::string path = "/proc/self/fd/" + std::to_string(file.get());
    const auto sites = find_tls_sites(file.get(), path);
    Status probed = sites ? ok() : Status(sites.forward());
    if (sites && *sites) probed = kernel_.probe_tls(path, **sites);
    if (!probed) missing_.push_back("TLS by " + name + " (" + probed.error().message + ")");
}

}  // namespace autotune
