#include "core/memory_ahead.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace autotune {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

// Of the pages of [begin, begin + bytes), how many bytes have memory.
std::size_t ready(const char* begin, std::size_t bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t offset = reinterpret_cast<std::uintptr_t>(begin) % page;
    std::vector<unsigned char> resident((bytes + offset + page - 1) / page);
    EXPECT_EQ(mincore(const_cast<char*>(begin - offset), bytes + offset, resident.data()), 0);
    std::size_t sum = 0;
    for (const unsigned char r : resident) sum += (r & 1) * page;
    return sum;
}

TEST(MemoryAhead, MakesReadyWhatComesNextAndNoMore) {
    LargeVector<char> v;
    v.reserve(128 * kMiB);
    v.resize(8 * kMiB);
    const char* const next = v.data() + v.size();
    MemoryAhead ahead;
    ahead.wrote(v);
    ahead.wrote(v);  // nothing new
    while (ready(next, 12 * kMiB) < 12 * kMiB) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(ready(next + 16 * kMiB, 64 * kMiB), 0u) << "kAhead at most";
    v.resize(40 * kMiB, 'x');  // further than what was made ready
    ahead.wrote(v);
    while (ready(v.data() + v.size(), 12 * kMiB) < 12 * kMiB) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(v[40 * kMiB - 1], 'x');
}

TEST(MemoryAhead, LeavesSmallVectorsAndEndsAlone) {
    LargeVector<char> small, full;
    small.reserve(64 * kMiB);
    small.resize(kMiB);
    full.reserve(8 * kMiB);
    full.resize(7 * kMiB);
    {
        MemoryAhead ahead;
        ahead.wrote(small);
        ahead.wrote(full);
    }
    EXPECT_EQ(ready(small.data() + 8 * kMiB, 56 * kMiB), 0u);
}

TEST(MemoryAhead, OfMemoryThatIsGoneHarmsNothing) {
    MemoryAhead ahead;
    for (int i = 0; i < 8; ++i) {
        LargeVector<char> v;
        v.reserve(64 * kMiB);
        v.resize(5 * kMiB);
        ahead.wrote(v);
    }
    LargeVector<char> kept(32 * kMiB, 'k');
    ahead.wrote(kept);
    EXPECT_EQ(kept, LargeVector<char>(32 * kMiB, 'k'));
}

}  // namespace
}  // namespace autotune
