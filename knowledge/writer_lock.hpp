// WriterLock: at most one process writes a store. The kernel gives the lock back when the process is
// gone, however it ended. For this room only.
#pragma once

#include <filesystem>
#include <utility>

#include "core/result.hpp"

namespace autotune {

class WriterLock {
public:
    // Takes FILE.lock. Errors: already_exists, naming the process that has it.
    static Result<WriterLock> take(const std::filesystem::path& file);
    ~WriterLock();
    WriterLock(WriterLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    WriterLock& operator=(WriterLock&&) = delete;

private:
    explicit WriterLock(int fd) : fd_(fd) {}
    int fd_;
};

}  // namespace autotune
