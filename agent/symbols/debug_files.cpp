#include "agent/symbols/debug_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cstring>

#include "agent/symbols/elf_image.hpp"

namespace autotune::symbols {

namespace {

constexpr off_t kMaxChecked = off_t{512} << 20;

bool has_checksum(int fd, std::uint32_t wanted) {
    struct stat s {};
    if (fstat(fd, &s) != 0 || s.st_size > kMaxChecked) return false;
    std::array<unsigned char, 1 << 16> buffer;
    uLong sum = crc32(0, nullptr, 0);
    for (off_t at = 0;;) {
        const ssize_t got = pread(fd, buffer.data(), buffer.size(), at);
        if (got < 0) return false;
        if (got == 0) return static_cast<std::uint32_t>(sum) == wanted;
        sum = crc32(sum, buffer.data(), static_cast<uInt>(got));
        at += got;
    }
}

bool belongs(int fd, const StrippedFile& file) {
    if (!file.build_id.empty()) return read_build_id(fd) == file.build_id;
    return has_checksum(fd, file.link.checksum);
}

}  // namespace

DebugLink parse_debug_link(std::string_view section) {
    const auto end = section.find('\0');
    if (end == std::string_view::npos || end == 0) return {};
    const std::string_view name = section.substr(0, end);
    const std::size_t at = (end + 4) & ~std::size_t{3};  // the name's zero, then to a multiple of four
    DebugLink link;
    // A name that leads elsewhere is no name.
    if (name.find('/') != std::string_view::npos || name == "." || name == "..") return {};
    if (at > section.size() || section.size() - at < sizeof link.checksum) return {};
    std::memcpy(&link.checksum, section.data() + at, sizeof link.checksum);
    link.name = name;
    return link;
}

std::vector<std::string> debug_file_places(const StrippedFile& file) {
    std::vector<std::string> places;
    const std::string& id = file.build_id;
    if (id.size() > 4)
        places.push_back(file.root + "/usr/lib/debug/.build-id/" + id.substr(0, 2) + "/" + id.substr(2) + ".debug");
    if (file.link.name.empty() || !file.path.starts_with('/')) return places;
    const std::string folder = file.path.substr(0, file.path.rfind('/') + 1);
    places.push_back(file.root + folder + file.link.name);
    places.push_back(file.root + folder + ".debug/" + file.link.name);
    places.push_back(file.root + "/usr/lib/debug" + folder + file.link.name);
    return places;
}

Fd open_debug_file(const StrippedFile& file) {
    for (const std::string& place : debug_file_places(file)) {
        Fd fd(open(place.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        struct stat s {};
        if (fd && fstat(fd.get(), &s) == 0 && S_ISREG(s.st_mode) && belongs(fd.get(), file)) return fd;
    }
    return {};
}

}  // namespace autotune::symbols
