// A file of sums as the library of probes makes it (AT_RING_ALLOCATIONS in runtimes/ring.h), written by a test.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "agent/runtime/ring_file.hpp"
#include "os/fd.hpp"

namespace autotune::test {

class SumsFile : public ::testing::Test {
protected:
    SumsFile() : fd_(memfd_create("sums", MFD_CLOEXEC)) {
        EXPECT_EQ(ftruncate(fd_.get(), static_cast<off_t>(AT_RING_BYTES)), 0);
        header_.magic = AT_RING_MAGIC;
        header_.version = AT_RING_VERSION;
        header_.kind = AT_RING_ALLOCATIONS;
        header_.names_used = 8;
    }
    void put(std::uint64_t offset, const void* from, std::size_t bytes) const {
        ASSERT_EQ(pwrite(fd_.get(), from, bytes, static_cast<off_t>(offset)), static_cast<ssize_t>(bytes));
    }
    template <class T>
    void put(std::uint64_t offset, const T& value) const {
        put(offset, &value, sizeof value);
    }
    // As an entry of the tree names it.
    std::uint64_t function(const std::string& name, const std::string& file = "") {
        const std::string text = name + file;
        const std::uint64_t at = header_.names_used;
        const at_ring_name head{.size = static_cast<__u32>((sizeof(at_ring_name) + text.size() + 7) & ~7ull),
                                .line = 1,
                                .name_bytes = static_cast<__u16>(name.size()),
                                .file_bytes = static_cast<__u16>(file.size()),
                                .kind = AT_RING_PYTHON};
        put(AT_RING_NAMES_AT + at, head);
        put(AT_RING_NAMES_AT + at + sizeof head, text.data(), text.size());
        header_.names_used += head.size;
        return AT_RING_NAMED | at;
    }
    [[nodiscard]] runtime::RingFile adopted() const {
        auto file = runtime::RingFile::adopt(Fd(dup(fd_.get())));
        EXPECT_TRUE(file.has_value());
        return *std::move(file);
    }

    Fd fd_;
    at_ring_header header_{};
};

}  // namespace autotune::test
