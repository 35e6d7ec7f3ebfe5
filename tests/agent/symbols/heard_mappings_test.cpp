// What is heard of mappings: perf's records, and what is kept of them.
#include "agent/symbols/heard_mappings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/perf_event.h>

#include <cstring>
#include <string>
#include <vector>

namespace autotune::symbols {
namespace {

using ::testing::ElementsAre;

std::vector<std::byte> record(std::uint32_t type, std::uint16_t misc, const std::vector<std::uint64_t>& words, std::string path,
                              std::uint64_t time) {
    std::vector<std::byte> out(sizeof(perf_event_header));
    const auto put = [&](const void* from, std::size_t size) {
        const auto* bytes = static_cast<const std::byte*>(from);
        out.insert(out.end(), bytes, bytes + size);
    };
    for (const std::uint64_t word : words) put(&word, sizeof word);
    path.resize((path.size() + 8) / 8 * 8);
    put(path.data(), path.size());
    put(&time, sizeof time);
    const perf_event_header header{.type = type, .misc = misc, .size = static_cast<std::uint16_t>(out.size())};
    std::memcpy(out.data(), &header, sizeof header);
    return out;
}
std::vector<std::byte> mmap_record(std::uint64_t inode = 77, const std::string& path = "/lib/a.so") {
    return record(PERF_RECORD_MMAP2, 0, {0x1200000012, 0x7000, 0x2000, 0x1000, 0x100000008, inode, 1, 0x200000005}, path, 500);
}

TEST(MappingRecord, TellsWhichFileIsMappedWhere) {
    const auto heard = decode_mapping_record(mmap_record());
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->pid, 0x12);
    EXPECT_EQ(heard->at, from_ns(500));
    EXPECT_EQ(heard->what, NewMapping::What::mapped);
    EXPECT_EQ(heard->mapping.start, 0x7000u);
    EXPECT_EQ(heard->mapping.end, 0x9000u);
    EXPECT_EQ(heard->mapping.offset, 0x1000u);
    EXPECT_EQ(heard->mapping.device, 0x801u);
    EXPECT_EQ(heard->mapping.inode, 77u);
    EXPECT_EQ(heard->mapping.path, "/lib/a.so");
}

TEST(MappingRecord, TellsOfNewPrograms) {
    const auto heard = decode_mapping_record(record(PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC, {0x1200000012}, "sh", 9));
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->what, NewMapping::What::program);
    EXPECT_FALSE(decode_mapping_record(record(PERF_RECORD_COMM, 0, {0x1200000012}, "sh", 9))) << "a name that was set";
}

TEST(MappingRecord, TellsOfMemoryThatIsNoFiles) {
    const auto heard = decode_mapping_record(mmap_record(0, "//anon"));
    ASSERT_TRUE(heard);
    EXPECT_FALSE(heard->mapping.has_file());
    EXPECT_EQ(heard->mapping.path, "");
}

TEST(MappingRecord, IsNothingWhereItIsDamaged) {
    const auto whole = mmap_record();
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(decode_mapping_record(std::span(whole).first(size))) << size;
    EXPECT_FALSE(decode_mapping_record(record(PERF_RECORD_EXIT, 0, {1, 2, 3, 4, 5, 6, 7, 8}, "", 0)));
}

TEST(MappingRecord, TellsOfNewProcessesAndNotOfThreads) {
    const auto heard = decode_mapping_record(record(PERF_RECORD_FORK, 0, {0x1100000012, 0x1100000013}, "", 9));
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->what, NewMapping::What::forked);
    EXPECT_EQ(heard->pid, 0x12);
    EXPECT_EQ(heard->parent, 0x11);
    EXPECT_FALSE(decode_mapping_record(record(PERF_RECORD_FORK, 0, {0x1200000012, 0x1300000014}, "", 9)));
}

NewMapping heard(std::int64_t at, std::uint64_t start, std::uint64_t end, const char* path) {
    return {.at = from_ns(at), .pid = 5, .mapping = {.start = start, .end = end, .inode = 1, .path = path}};
}
std::vector<std::string> paths(const std::vector<Mapping>* mappings) {
    std::vector<std::string> out;
    if (mappings != nullptr)
        for (const Mapping& m : *mappings) out.push_back(m.path);
    return out;
}

TEST(HeardMappings, KeepWhatIsMappedByStart) {
    HeardMappings all;
    all.add(heard(10, 0x3000, 0x4000, "b"));
    all.add(heard(11, 0x1000, 0x2000, "a"));
    EXPECT_THAT(paths(all.of(5, {})), ElementsAre("a", "b"));
    all.add(heard(12, 0x1800, 0x3800, "c"));
    EXPECT_THAT(paths(all.of(5, {})), ElementsAre("c")) << "what it overlaps is gone";
    NewMapping memory = heard(12, 0x3700, 0x5000, "");
    memory.mapping.inode = 0;
    HeardMappings less = all;
    less.add(memory);
    EXPECT_TRUE(less.of(5, {})->empty());
    all.add({.at = from_ns(13), .pid = 7, .what = NewMapping::What::forked, .parent = 5, .mapping = {}});
    EXPECT_THAT(paths(all.of(7, {})), ElementsAre("c"));
    all.add({.at = from_ns(14), .pid = 5, .what = NewMapping::What::program, .mapping = {}});
    EXPECT_THAT(paths(all.of(7, {})), ElementsAre("c"));
    EXPECT_TRUE(all.of(5, {})->empty());
    EXPECT_EQ(all.of(6, {}), nullptr);
}

TEST(HeardMappings, AreNotOfAProcessThatCameLater) {
    HeardMappings all;
    all.add(heard(10, 0x1000, 0x2000, "a"));
    EXPECT_NE(all.of(5, from_ns(10)), nullptr);
    EXPECT_EQ(all.of(5, from_ns(11)), nullptr);
}

TEST(HeardMappings, AreBounded) {
    HeardMappings all(2);
    for (std::int32_t pid = 1; pid <= 3; ++pid) {
        NewMapping one = heard(10, 0x1000, 0x2000, "a");
        one.pid = pid;
        all.add(one);
    }
    EXPECT_EQ(all.of(1, {}), nullptr);
    EXPECT_NE(all.of(3, {}), nullptr);
    for (std::uint64_t i = 0; i < 1000; ++i) all.add(heard(11, i << 12, (i + 1) << 12, "many"));
    EXPECT_EQ(all.of(5, {})->size(), 512u);
}

}  // namespace
}  // namespace autotune::symbols
