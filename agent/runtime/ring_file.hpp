// RingFile: a file in the format of runtimes/ring.h, as somebody else's process wrote it.
//
// Only read(2) and write(2) of it: a mapping would let its owner kill us by cutting the file (SIGBUS). What
// is read is a copy that cannot change any more, but may be anything. Move-only; owns the descriptor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

#include "core/result.hpp"
#include "os/fd.hpp"
#include "runtimes/ring.h"

namespace autotune::runtime {

enum class RingPlace : std::uint8_t {
    folder,   // a name in a folder where others may write: links are not followed
    process,  // a path below /proc/PID, which leads there by links
};

// Locked (flock(2)) while it is there, so that others find out whether a ring has a reader.
class RingFile {
public:
    // Errors: not_found, permission_denied; unsupported for what is no file in memory (a FUSE file could hold
    // us up for ever), or of another version; unavailable while its writer has not finished making it.
    [[nodiscard]] static Result<RingFile> open(const std::string& path, RingPlace place);
    // The same of an open descriptor, without asking where it lies: for tests.
    [[nodiscard]] static Result<RingFile> adopt(Fd fd);

    [[nodiscard]] const at_ring_header& header() const { return header_; }
    // Reads the header again. False: it is gone or no longer one.
    [[nodiscard]] bool refresh();

    // Fills `to`; false when the file is shorter.
    [[nodiscard]] bool read(std::uint64_t offset, std::span<std::byte> to) const;
    template <class T>
    [[nodiscard]] bool read_into(std::uint64_t offset, std::span<T> to) const {
        static_assert(std::is_trivially_copyable_v<T>);
        return read(offset, std::as_writable_bytes(to));
    }

    // The words that are ours. Failures do not matter: the writer then loses records, and counts them.
    void set_mode(at_ring_mode mode) const;
    void free_chunk(std::uint32_t chunk) const;
    void free_slot(std::uint32_t slot) const;
    void free_told(std::uint64_t before) const;  // records of the journal of allocations

private:
    explicit RingFile(Fd fd) : fd_(std::move(fd)) {}
    void write(std::uint64_t offset, std::span<const std::byte> bytes) const;

    Fd fd_;
    at_ring_header header_{};
};

}  // namespace autotune::runtime
