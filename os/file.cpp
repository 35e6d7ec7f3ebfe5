#include "os/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace autotune {
namespace {

Status write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return unexpected(errno_error("writing", errno));
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return ok();
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return unexpected(errno_error("opening " + path.string(), errno));
    std::string text;
    struct stat about {};
    if (::fstat(fd.get(), &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0)
        text.reserve(static_cast<std::size_t>(about.st_size));  // 0 in /proc
    std::array<char, 64 * 1024> piece;
    for (;;) {
        const ssize_t n = ::read(fd.get(), piece.data(), piece.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return unexpected(errno_error("reading " + path.string(), errno));
        if (n == 0) return text;
        text.append(piece.data(), static_cast<std::size_t>(n));
    }
}

Status read_in_pieces(const std::filesystem::path& path,
                      const std::function<Status(std::string_view)>& take) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return unexpected(errno_error("opening " + path.string(), errno));
    std::string piece(std::size_t{1} << 20, '\0');
    for (std::size_t filled = 0;;) {  // a pipe gives little at a time
        const ssize_t n = ::read(fd.get(), piece.data() + filled, piece.size() - filled);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return unexpected(errno_error("reading " + path.string(), errno));
        filled += static_cast<std::size_t>(n);
        if (filled > 0 && (n == 0 || filled == piece.size())) {
            if (Status s = take({piece.data(), filled}); !s) return s;
            filled = 0;
        }
        if (n == 0) return ok();
    }
}

Status write_file(const std::filesystem::path& path, std::string_view text) {
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) return unexpected(errno_error("opening " + path.string(), errno));
    const ssize_t n = ::write(fd.get(), text.data(), text.size());
    if (n == static_cast<ssize_t>(text.size())) return ok();
    const std::string doing = "writing \"" + std::string(text) + "\" to " + path.string();
    return n < 0 ? unexpected(errno_error(doing, errno)) : fail(Errc::internal, doing + ": cut short");
}

namespace {

// A device, a pipe, /dev/stdout: it is written to, and stays what it is.
Status write_into(const std::filesystem::path& path, std::string_view text) {
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd) return unexpected(errno_error(path.string(), errno));
    const Status written = write_all(fd.get(), text);
    return written ? ok() : Status(written.forward(path.string()));
}

// What open(2) would give a new file. umask(2) cannot be asked without being set, for all threads.
mode_t usual_mode() {
    const auto status = read_file("/proc/self/status");
    constexpr std::string_view kField = "\nUmask:\t";
    const auto at = status ? status->find(kField) : std::string::npos;
    if (at == std::string::npos) return 0600;
    return 0666 & ~static_cast<mode_t>(std::strtoul(status->c_str() + at + kField.size(), nullptr, 8));
}

}  // namespace

Status replace_file(const std::filesystem::path& wished, std::string_view text) {
    std::error_code none;
    const auto status = std::filesystem::status(wished, none);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) return write_into(wished, text);
    // What a link leads to is replaced, not the link.
    const bool is_link = std::filesystem::is_symlink(std::filesystem::symlink_status(wished, none));
    std::filesystem::path path = is_link ? std::filesystem::weakly_canonical(wished, none) : wished;
    if (none) path = wished;
    std::string temporary = path.string() + ".XXXXXX";
    {
        const Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
        if (!fd) return unexpected(errno_error("creating a file beside " + path.string(), errno));
        Status written = write_all(fd.get(), text);
        struct stat old{};
        const bool is_new = ::stat(path.c_str(), &old) != 0;
        if (written && !is_new && ::fchown(fd.get(), old.st_uid, old.st_gid) != 0 && errno != EPERM)
            written = unexpected(errno_error("fchown", errno));  // who may not give files away keeps it
        const mode_t mode = is_new ? usual_mode() : old.st_mode & 0777;
        if (written && ::fchmod(fd.get(), mode) != 0) written = unexpected(errno_error("fchmod", errno));
        if (!written) {
            ::unlink(temporary.c_str());
            return written.forward(path.string());
        }
    }
    if (::rename(temporary.c_str(), path.c_str()) == 0) return ok();
    const int reason = errno;
    ::unlink(temporary.c_str());
    return unexpected(errno_error("renaming to " + path.string(), reason));
}

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return unexpected(errno_error("making a pipe", errno));
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

}  // namespace autotune
