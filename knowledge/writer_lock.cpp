#include "knowledge/writer_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

namespace autotune {

namespace {
// For the message only: the lock itself is the kernel's.
std::string owner_of(int fd) {
    std::array<char, 32> text{};
    const ssize_t size = pread(fd, text.data(), text.size(), 0);
    return size > 0 ? "process " + std::string(text.data(), static_cast<std::size_t>(size))
                    : "another process";
}
}  // namespace

Result<WriterLock> WriterLock::take(const std::filesystem::path& file) {
    const std::string name = file.string() + ".lock";
    const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return unexpected(errno_error("opening " + name, errno));
    WriterLock lock(fd);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return unexpected(errno_error("locking " + name, errno));
        return fail(Errc::already_exists,
                    "another autotune (" + owner_of(fd) + ") is using " + file.string());
    }
    const std::string pid = std::to_string(getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0)
        return unexpected(errno_error("writing " + name, errno));
    return lock;
}

WriterLock::~WriterLock() {
    if (fd_ >= 0) ::close(fd_);
}

}  // namespace autotune
