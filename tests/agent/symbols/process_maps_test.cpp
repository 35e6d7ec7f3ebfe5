#include "agent/symbols/process_maps.hpp"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

namespace autotune::symbols {
namespace {

constexpr const char* kMaps =
    "00400000-0041f000 r--p 00000000 fd:01 3034                               /usr/bin/python3.11\n"
    "0041f000-006b5000 r-xp 0001f000 fd:01 3034                               /usr/bin/python3.11\n"
    "00a5b000-00a84000 rw-p 00000000 00:00 0 \n"
    "7f1000000000-7f1000010000 rwxp 00000000 00:00 0 \n"
    "7f2000000000-7f2000155000 r-xp 00026000 fd:01 4711                       /opt/my lib (v2)/libx.so "
    "(deleted)\n"
    "7f2000155000-7f20001a9000 r--p 0017b000 fd:01 4711                       /opt/my lib (v2)/libx.so "
    "(deleted)\n"
    "7ffd11b9d000-7ffd11b9f000 r-xp 00000000 00:00 0                          [vdso]\n"
    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

TEST(ProcessMaps, KeepsExecutableMappingsWithTheirFiles) {
    const ProcessMaps maps = ProcessMaps::parse(kMaps);
    ASSERT_EQ(maps.mappings().size(), 5u);
    const Mapping* python = maps.find(0x52b0f0);
    ASSERT_NE(python, nullptr);
    EXPECT_EQ(python->path, "/usr/bin/python3.11");
    EXPECT_EQ(python->offset, 0x1f000u);
    EXPECT_EQ(python->inode, 3034u);
    EXPECT_EQ(python->device, makedev(0xfd, 1));
}

TEST(ProcessMaps, TakesBlanksInPathsAndDropsDeleted) {
    const ProcessMaps maps = ProcessMaps::parse(kMaps);
    const Mapping* x = maps.find(0x7f2000000010);
    ASSERT_NE(x, nullptr);
    EXPECT_EQ(x->path, "/opt/my lib (v2)/libx.so");
}

TEST(ProcessMaps, KnowsAnonymousAndKernelMappings) {
    const ProcessMaps maps = ProcessMaps::parse(kMaps);
    EXPECT_FALSE(maps.find(0x7f1000000000)->has_file());
    EXPECT_EQ(maps.find(0x7f1000000000)->path, "");
    EXPECT_EQ(maps.find(0x7ffd11b9d100)->path, "[vdso]");
}

TEST(ProcessMaps, EndsAreExclusive) {
    const ProcessMaps maps = ProcessMaps::parse(kMaps);
    EXPECT_NE(maps.find(0x6b4fff), nullptr);
    EXPECT_EQ(maps.find(0x6b5000), nullptr);
    EXPECT_EQ(maps.find(0), nullptr);
    EXPECT_EQ(maps.find(0x400000), nullptr) << "not executable";
}

TEST(ProcessMaps, SkipsLinesThatDoNotParse) {
    const ProcessMaps maps = ProcessMaps::parse(
        "garbage\n\n00-\n1000-500 r-xp 0 0:0 1 /backwards\n1000-2000 r-xp zz 00:00 0\n"
        "3000-4000 r-xp 00000000 00:00 7 /cut");
    ASSERT_EQ(maps.mappings().size(), 1u);
    EXPECT_EQ(maps.find(0x3000)->path, "/cut");
}

}  // namespace
}  // namespace autotune::symbols
