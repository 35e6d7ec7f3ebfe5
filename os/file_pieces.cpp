#include "os/file_pieces.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <semaphore>
#include <string>
#include <system_error>
#include <thread>

#include "os/fd.hpp"

namespace autotune {

namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;
constexpr off_t kLarge = off_t{16} << 20;  // below, a thread costs more than it brings

// A piece, filled up to its size or the file's end; what it returns is 0 at the end, and -1 with errno.
ssize_t fill(const Fd& fd, std::string& piece) {
    std::size_t filled = 0;
    while (filled < piece.size()) {  // a pipe gives little at a time
        const ssize_t n = ::read(fd.get(), piece.data() + filled, piece.size() - filled);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) break;
        filled += static_cast<std::size_t>(n);
    }
    return static_cast<ssize_t>(filled);
}

using Take = std::function<Status(std::string_view)>;

Status one_after_the_other(const Fd& fd, const Take& take, const auto& failed) {
    std::string piece(kPiece, '\0');
    for (;;) {
        const ssize_t n = fill(fd, piece);
        if (n < 0) return failed(errno);
        const auto filled = static_cast<std::size_t>(n);
        if (filled > 0)
            if (Status s = take({piece.data(), filled}); !s) return s;
        if (filled < piece.size()) return ok();  // not read once more: people at a terminal end it once
    }
}

// Two pieces: one is taken while the other is filled.
Status side_by_side(const Fd& fd, const Take& take, const auto& failed) {
    struct Slot {
        std::string piece = std::string(kPiece, '\0');
        ssize_t filled = 0;
        int error = 0;
    };
    std::array<Slot, 2> slots;
    std::counting_semaphore<3> free(2), full(0);
    std::atomic<bool> is_over = false;
    const auto read = [&] {
        for (std::size_t i = 0;; ++i) {
            free.acquire();
            Slot& slot = slots[i % 2];
            if (is_over) return;
            slot.filled = fill(fd, slot.piece);
            slot.error = errno;
            const bool was_last = slot.filled <= 0;
            full.release();
            if (was_last) return;
        }
    };
    std::jthread reader;
    try {
        reader = std::jthread(read);
    } catch (const std::system_error&) {  // no thread is to be had
        return one_after_the_other(fd, take, failed);
    }
    struct End {  // however this ends, the reader does, before it is waited for
        std::atomic<bool>& is_over;
        std::counting_semaphore<3>& free;
        ~End() {
            is_over = true;
            free.release();
        }
    };
    const End end{is_over, free};
    for (std::size_t i = 0;; ++i) {
        full.acquire();
        const Slot& slot = slots[i % 2];
        if (slot.filled < 0) return failed(slot.error);
        if (slot.filled == 0) return ok();
        if (Status s = take({slot.piece.data(), static_cast<std::size_t>(slot.filled)}); !s) return s;
        free.release();
    }
}

}  // namespace

Status read_in_pieces(const std::filesystem::path& path, const Take& take) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return unexpected(errno_error("opening " + path.string(), errno));
    const auto failed = [&](int error) -> Status { return unexpected(errno_error("reading " + path.string(), error)); };
    struct stat about {};
    const bool is_large = ::fstat(fd.get(), &about) == 0 && S_ISREG(about.st_mode) && about.st_size >= kLarge;
    return is_large ? side_by_side(fd, take, failed) : one_after_the_other(fd, take, failed);
}

}  // namespace autotune
