#include "agent/black_box/box_records.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace autotune::black_box {
namespace {

template <class T>
std::vector<std::byte> bytes_of(const T& record, std::size_t size = sizeof(T)) {
    std::vector<std::byte> bytes(size);
    std::memcpy(bytes.data(), &record, size);
    return bytes;
}

at_box_head head(at_box_record kind) { return {.record = kind, .pid = 7, .tid = 8, .at_ns = 9, .start_ns = 10}; }

TEST(BoxRecords, GiveANoticeAndADeathAsTheyAre) {
    const auto notice = decode_box_record(bytes_of(at_box_notice{.head = head(AT_BOX_PRESSURE), .memory_now = 5}));
    ASSERT_TRUE(notice);
    EXPECT_EQ(std::get<at_box_notice>(*notice).memory_now, 5u);
    const auto dying = decode_box_record(bytes_of(at_box_dying{.head = head(AT_BOX_DYING), .signal = 9}));
    ASSERT_TRUE(dying);
    EXPECT_EQ(std::get<at_box_dying>(*dying).signal, 9u);
}

TEST(BoxRecords, AreCutBehindTheLastFileAndRefusedWhenTheySayMoreThanTheyHold) {
    auto files = std::make_unique<at_box_files>();
    files->head = head(AT_BOX_OPEN_FILES);
    files->count = 2;
    files->files[1].fd = 42;
    const std::size_t size = offsetof(at_box_files, files) + 2 * sizeof(at_box_file);
    const auto whole = decode_box_record(bytes_of(*files, size));
    ASSERT_TRUE(whole);
    ASSERT_EQ(std::get<OpenFiles>(*whole).files.size(), 2u);
    EXPECT_EQ(std::get<OpenFiles>(*whole).files[1].fd, 42);
    EXPECT_FALSE(decode_box_record(bytes_of(*files, size - 1)));
    files->count = AT_BOX_FILES + 1;
    EXPECT_FALSE(decode_box_record(bytes_of(*files)));
}

TEST(BoxRecords, GiveAThreadsStackAndFrames) {
    auto thread = std::make_unique<at_box_thread>();
    thread->head = head(AT_BOX_THREAD);
    thread->stack_base = 0x7000;
    thread->stack_pages = 1;
    thread->python_count = 1;
    thread->python[0].code = 99;
    thread->stack[4095] = 5;
    const std::size_t size = offsetof(at_box_thread, stack) + AT_BOX_PAGE;
    const auto got = decode_box_record(bytes_of(*thread, size));
    ASSERT_TRUE(got);
    const auto& state = std::get<ThreadState>(*got);
    EXPECT_EQ(state.stack.size(), 4096u);
    EXPECT_EQ(state.stack[4095], std::byte{5});
    ASSERT_EQ(state.python.size(), 1u);
    EXPECT_EQ(state.python[0].code, 99u);
    EXPECT_FALSE(decode_box_record(bytes_of(*thread, size - 1)));
    thread->python_count = AT_MAX_PYTHON_FRAMES + 1;
    EXPECT_FALSE(decode_box_record(bytes_of(*thread, size)));
}

TEST(BoxRecords, GiveTheMemoryOfACodeObject) {
    auto code = std::make_unique<at_box_code>();
    code->head = head(AT_BOX_CODE);
    code->code_at = 0x1000;
    code->name_at = 0x2000;
    code->name_size = 64;
    code->table_at = 0x3000;
    code->table_size = 3;
    const std::size_t size = offsetof(at_box_code, table) + 3;
    const auto got = decode_box_record(bytes_of(*code, size));
    ASSERT_TRUE(got);
    const auto& ranges = std::get<CodeMemory>(*got).ranges;
    ASSERT_EQ(ranges.size(), 3u);
    EXPECT_EQ(ranges[1].address, 0x2000u);
    EXPECT_EQ(ranges[1].bytes.size(), 64u);
    EXPECT_EQ(ranges[2].bytes.size(), 3u);
    EXPECT_FALSE(decode_box_record(bytes_of(*code, size - 1)));
}

TEST(BoxRecords, RefuseWhatIsUnknownOrShort) {
    EXPECT_FALSE(decode_box_record({}));
    EXPECT_FALSE(decode_box_record(bytes_of(at_box_notice{.head = head(static_cast<at_box_record>(99))})));
    EXPECT_FALSE(decode_box_record(bytes_of(at_box_notice{.head = head(AT_BOX_DYING)})));
}

}  // namespace
}  // namespace autotune::black_box
