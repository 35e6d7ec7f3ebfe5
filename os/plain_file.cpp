#include "os/plain_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include "os/fd.hpp"

namespace autotune {
namespace {

namespace fs = std::filesystem;

fs::file_type type_of(const fs::path& path) {
    std::error_code none;  // a link to itself is an error, and no reason to throw
    return fs::symlink_status(path, none).type();
}

}  // namespace

Result<std::string> read_plain_file(const fs::path& path, std::size_t most) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (!fd && errno == ELOOP) return fail(Errc::unsupported, path.string() + " is a link");
    if (!fd) return unexpected(errno_error("opening " + path.string(), errno));
    struct stat about {};
    if (::fstat(fd.get(), &about) != 0) return unexpected(errno_error("looking at " + path.string(), errno));
    if (!S_ISREG(about.st_mode)) return fail(Errc::unsupported, path.string() + " is no file");
    const auto too_large = [&] {
        return fail(Errc::unsupported, path.string() + " is larger than " + std::to_string(most) + " bytes");
    };
    if (static_cast<std::uint64_t>(about.st_size) > most) return too_large();
    std::string text;
    text.reserve(static_cast<std::size_t>(about.st_size));
    std::array<char, 64 * 1024> piece;
    for (;;) {
        const ssize_t n = ::read(fd.get(), piece.data(), piece.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return unexpected(errno_error("reading " + path.string(), errno));
        if (n == 0) return text;
        if (static_cast<std::size_t>(n) > most - text.size()) return too_large();  // it grows
        text.append(piece.data(), static_cast<std::size_t>(n));
    }
}

bool is_there(const fs::path& path) {
    const fs::file_type type = type_of(path);
    return type != fs::file_type::not_found;
}

bool is_plain_file(const fs::path& path) { return type_of(path) == fs::file_type::regular; }

bool is_plain_folder(const fs::path& path) { return type_of(path) == fs::file_type::directory; }

}  // namespace autotune
