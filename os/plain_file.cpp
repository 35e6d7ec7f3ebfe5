#include "os/plain_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "os/fd.hpp"
#include "os/file.hpp"

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
    return read_to_end(fd, path, most);
}

bool is_there(const fs::path& path) { return type_of(path) != fs::file_type::not_found; }

bool is_plain_file(const fs::path& path) { return type_of(path) == fs::file_type::regular; }

bool is_plain_folder(const fs::path& path) { return type_of(path) == fs::file_type::directory; }

}  // namespace autotune
