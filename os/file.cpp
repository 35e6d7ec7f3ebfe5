#include "os/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace autotune {
Result<std::string> read_file(const std::filesystem::path& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return unexpected(errno_error("opening " + path.string(), errno));
    return read_to_end(fd, path);
}

Result<std::string> read_to_end(const Fd& fd, const std::filesystem::path& path, std::size_t most) {
    const auto too_large = [&] { return fail(Errc::unsupported, path.string() + " is larger than " + std::to_string(most) + " bytes"); };
    std::string text;
    struct stat about {};
    if (::fstat(fd.get(), &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0) {  // 0 in /proc
        if (static_cast<std::size_t>(about.st_size) > most) return too_large();
        text.reserve(static_cast<std::size_t>(about.st_size));
    }
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

Status write_file(const std::filesystem::path& path, std::string_view text) {
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) return unexpected(errno_error("opening " + path.string(), errno));
    const ssize_t n = ::write(fd.get(), text.data(), text.size());
    if (n == static_cast<ssize_t>(text.size())) return ok();
    const std::string doing = "writing \"" + std::string(text) + "\" to " + path.string();
    return n < 0 ? unexpected(errno_error(doing, errno)) : fail(Errc::internal, doing + ": cut short");
}

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return unexpected(errno_error("making a pipe", errno));
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

}  // namespace autotune
