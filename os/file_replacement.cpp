#include "os/file_replacement.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "os/file.hpp"

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

// What open(2) would give a new file. umask(2) cannot be asked without being set, for all threads.
mode_t usual_mode() {
    const auto status = read_file("/proc/self/status");
    constexpr std::string_view kField = "\nUmask:\t";
    const auto at = status ? status->find(kField) : std::string::npos;
    if (at == std::string::npos) return 0600;
    return 0666 & ~static_cast<mode_t>(std::strtoul(status->c_str() + at + kField.size(), nullptr, 8));
}

// Owner and permissions of what is replaced, or of a new file.
Status dress(int fd, const std::filesystem::path& path) {
    struct stat old{};
    const bool is_new = ::stat(path.c_str(), &old) != 0;
    if (!is_new && ::fchown(fd, old.st_uid, old.st_gid) != 0 && errno != EPERM)
        return unexpected(errno_error("fchown", errno));  // who may not give files away keeps it
    const mode_t mode = is_new ? usual_mode() : old.st_mode & 0777;
    return ::fchmod(fd, mode) == 0 ? ok() : Status(unexpected(errno_error("fchmod", errno)));
}

}  // namespace

FileReplacement::FileReplacement(FileReplacement&& other) noexcept
    : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, {})), fd_(std::move(other.fd_)) {}

FileReplacement::~FileReplacement() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<FileReplacement> FileReplacement::begin(const std::filesystem::path& wished) {
    FileReplacement made;
    std::error_code none;
    const auto status = std::filesystem::status(wished, none);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        // A device, a pipe, /dev/stdout: it is written to, and stays what it is.
        made.path_ = wished;
        made.fd_ = Fd(::open(wished.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
        if (!made.fd_) return unexpected(errno_error(wished.string(), errno));
        return made;
    }
    // What a link leads to is replaced, not the link.
    const bool is_link = std::filesystem::is_symlink(std::filesystem::symlink_status(wished, none));
    made.path_ = is_link ? std::filesystem::weakly_canonical(wished, none) : wished;
    if (none) made.path_ = wished;
    std::string temporary = made.path_.string() + ".XXXXXX";
    made.fd_ = Fd(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!made.fd_) return unexpected(errno_error("creating a file beside " + made.path_.string(), errno));
    made.temporary_ = std::move(temporary);
    return made;
}

Status FileReplacement::write(std::string_view text) {
    const Status written = write_all(fd_.get(), text);
    return written ? ok() : Status(written.forward(path_.string()));
}

Status FileReplacement::commit() {
    if (temporary_.empty()) return ok();
    if (const Status dressed = dress(fd_.get(), path_); !dressed) return dressed.forward(path_.string());
    fd_.close();
    if (::rename(temporary_.c_str(), path_.c_str()) != 0)
        return unexpected(errno_error("renaming to " + path_.string(), errno));
    temporary_.clear();
    return ok();
}

Status replace_file(const std::filesystem::path& path, std::string_view text) {
    auto file = FileReplacement::begin(path);
    if (!file) return file.forward();
    if (const Status written = file->write(text); !written) return written;
    return file->commit();
}

}  // namespace autotune
