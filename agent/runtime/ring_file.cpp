#include "agent/runtime/ring_file.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <limits>

namespace autotune::runtime {

Result<RingFile> RingFile::open(const std::string& path, RingPlace place) {
    const int links = place == RingPlace::folder ? O_NOFOLLOW : 0;
    Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | links));
    if (!fd) return unexpected(errno_error("opening " + path, errno));
    struct stat s {};
    struct statfs fs {};
    if (fstat(fd.get(), &s) != 0 || fstatfs(fd.get(), &fs) != 0)
        return unexpected(errno_error("reading " + path, errno));
    if (!S_ISREG(s.st_mode) || fs.f_type != TMPFS_MAGIC)
        return fail(Errc::unsupported, path + " is no file in memory (tmpfs)");
    auto file = adopt(std::move(fd));
    if (!file) return file.forward(path);
    return file;
}

Result<RingFile> RingFile::adopt(Fd fd) {
    (void)::flock(fd.get(), LOCK_EX | LOCK_NB);  // there may be another reader; the kernel unlocks for one that died
    RingFile file(std::move(fd));
    if (!file.refresh()) return fail(Errc::unavailable, "not a ring of calls (yet)");
    if (file.header_.version != AT_RING_VERSION)
        return fail(Errc::unsupported, "a ring of calls of version " + std::to_string(file.header_.version) +
                                           ", this program reads " + std::to_string(AT_RING_VERSION));
    return file;
}

bool RingFile::refresh() { return read_into(0, std::span(&header_, 1)) && header_.magic == AT_RING_MAGIC; }

bool RingFile::read(std::uint64_t offset, std::span<std::byte> to) const {
    while (!to.empty()) {
        const ssize_t got = pread(fd_.get(), to.data(), to.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        offset += static_cast<std::uint64_t>(got);
        to = to.subspan(static_cast<std::size_t>(got));
    }
    return true;
}

void RingFile::write(std::uint64_t offset, std::span<const std::byte> bytes) const {
    while (pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)) < 0 && errno == EINTR) {
    }
}

void RingFile::set_mode(at_ring_mode mode) const {
    const auto word = static_cast<std::uint32_t>(mode);
    write(offsetof(at_ring_header, mode), std::as_bytes(std::span(&word, 1)));
}

void RingFile::free_chunk(std::uint32_t chunk) const {
    constexpr at_ring_owner nobody{};
    write(AT_RING_OWNERS_AT + chunk * sizeof nobody, std::as_bytes(std::span(&nobody, 1)));
}

void RingFile::free_slot(std::uint32_t slot) const {
    constexpr std::uint32_t free = AT_RING_SLOT_FREE;
    write(AT_RING_SLOTS_AT + slot * sizeof(at_ring_slot) + offsetof(at_ring_slot, state),
          std::as_bytes(std::span(&free, 1)));
}

void RingFile::free_told(std::uint64_t before) const {
    write(offsetof(at_ring_header, told_read), std::as_bytes(std::span(&before, 1)));
}

}  // namespace autotune::runtime
