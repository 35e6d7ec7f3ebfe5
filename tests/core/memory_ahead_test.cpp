#include "core/memory_ahead.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <system_error>
#include <thread>
#include <vector>

#include "tests/support/no_threads.hpp"

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

class MemoryAheadTest : public testing::Test {
protected:
    void SetUp() override {
#if defined(MADV_POPULATE_WRITE)
        LargeVector<char> v;
        v.reserve(kMiB);
        if (::madvise(page_of(v.data()), 4096, MADV_POPULATE_WRITE) == 0) return;
#endif
        GTEST_SKIP() << "needs Linux 5.14";
    }
    static void* page_of(char* at) {
        return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(at) / 4096 * 4096);
    }
    static void wait_for(const char* begin, std::size_t bytes) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        while (ready(begin, bytes) < bytes && std::chrono::steady_clock::now() < end) std::this_thread::yield();
        EXPECT_GE(ready(begin, bytes), bytes);
    }
};

TEST_F(MemoryAheadTest, MakesReadyWhatComesNextAndNoMore) {
    LargeVector<char> v;
    v.reserve(128 * kMiB);
    v.resize(8 * kMiB);
    const char* const next = v.data() + v.size();
    MemoryAhead ahead;
    ahead.wrote(v);
    ahead.wrote(v);  // nothing new
    wait_for(next, 12 * kMiB);
    EXPECT_EQ(ready(next + 16 * kMiB, 64 * kMiB), 0u) << "kAhead at most";
    v.resize(40 * kMiB, 'x');  // further than what was made ready
    ahead.wrote(v);
    wait_for(v.data() + v.size(), 12 * kMiB);
    EXPECT_EQ(v[40 * kMiB - 1], 'x');
}

TEST_F(MemoryAheadTest, LeavesSmallVectorsAlone) {
    LargeVector<char> small, large;
    small.reserve(64 * kMiB);
    small.resize(kMiB);
    large.reserve(64 * kMiB);
    large.resize(8 * kMiB);
    MemoryAhead ahead;
    ahead.wrote(small);
    ahead.wrote(large);  // what is asked for first is done first
    wait_for(large.data() + large.size(), 12 * kMiB);
    EXPECT_EQ(ready(small.data() + 4 * kMiB, 60 * kMiB), 0u);
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

TEST(MemoryAhead, WithoutAThreadDoesNothing) {
    const test::NoThreads none;
    EXPECT_THROW(std::thread([] {}).join(), std::system_error);
    LargeVector<char> v;
    v.reserve(48 * kMiB);
    v.resize(8 * kMiB, 'x');
    MemoryAhead ahead;
    ahead.wrote(v);
    v.resize(32 * kMiB, 'y');
    ahead.wrote(v);
    EXPECT_EQ(v.front(), 'x');
    EXPECT_EQ(v.back(), 'y');
}

}  // namespace
}  // namespace autotune
