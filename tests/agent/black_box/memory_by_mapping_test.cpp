#include "agent/black_box/memory_by_mapping.hpp"

#include <gtest/gtest.h>

#include <string>

namespace autotune::black_box {
namespace {

constexpr const char* kSmaps =
    "55d0c0000000-55d0c0001000 r--p 00000000 fe:00 1234                       /usr/bin/a program\n"
    "Size:                  4 kB\n"
    "KernelPageSize:        4 kB\n"
    "Rss:                   4 kB\n"
    "Anonymous:             0 kB\n"
    "VmFlags: rd mr mw me sd\n"
    "55d0c0001000-55d0c0003000 r-xp 00001000 fe:00 1234                       /usr/bin/a program\n"
    "Size:                  8 kB\n"
    "Rss:                   8 kB\n"
    "Anonymous:             0 kB\n"
    "55d0c1000000-55d0c1021000 rw-p 00000000 00:00 0                          [heap]\n"
    "Size:                132 kB\n"
    "Rss:                 100 kB\n"
    "Anonymous:           100 kB\n"
    "Swap:                  4 kB\n"
    "7f0000000000-7f0000100000 rw-p 00000000 00:00 0 \n"
    "Size:               1024 kB\n"
    "Rss:                 512 kB\n"
    "Anonymous:           512 kB\n";

TEST(MemoryByMapping, SumsByFileTheMostResidentFirst) {
    const auto mappings = memory_by_mapping(kSmaps);
    ASSERT_EQ(mappings.size(), 3u);
    EXPECT_EQ(mappings[0].what, "[anonymous]");
    EXPECT_EQ(mappings[0].resident, 512u * 1024);
    EXPECT_EQ(mappings[1].what, "[heap]");
    EXPECT_EQ(mappings[1].swapped, 4096u);
    EXPECT_EQ(mappings[2].what, "/usr/bin/a program");
    EXPECT_EQ(mappings[2].count, 2u);
    EXPECT_EQ(mappings[2].size, 12u * 1024);
    EXPECT_EQ(mappings[2].resident, 12u * 1024);
}

TEST(MemoryByMapping, PutsTogetherWhatIsTooMuch) {
    const auto mappings = memory_by_mapping(kSmaps, 1);
    ASSERT_EQ(mappings.size(), 2u);
    EXPECT_EQ(mappings[1].what, "(2 others)");
    EXPECT_EQ(mappings[1].resident, 112u * 1024);
}

TEST(MemoryByMapping, SkipsWhatItDoesNotKnow) {
    EXPECT_TRUE(memory_by_mapping("").empty());
    EXPECT_TRUE(memory_by_mapping("Rss: 4 kB\nnonsense\n\n-\n").empty());
}

}  // namespace
}  // namespace autotune::black_box
