#include "agent/symbols/python_code.hpp"

#include <gtest/gtest.h>

#include <array>

#include "tests/agent/symbols/fake_memory.hpp"

namespace autotune::symbols {
namespace {

using autotune::testing::FakeMemory;

constexpr std::uint64_t kCode = 0x1000, kName = 0x3000, kQualified = 0x4000, kFile = 0x5000, kTable = 0x6000,
                        kType = 0x959440;

class PythonCode : public ::testing::TestWithParam<unsigned> {
protected:
    PythonCode() : layout_(*python_layout(GetParam())), c_(layout_.code) {
        memory_.map(kCode, 512);
        memory_.put(kCode + 8, kType);
        memory_.put(kCode + layout_.walk.code_identity, std::uint32_t{6});  // flags or stack size
        memory_.put(kCode + c_.first_line, std::uint32_t{40});
        memory_.put(kCode + c_.name, kName);
        memory_.put_ascii(kName, "handler", c_);
        if (c_.qualified_name != 0) {
            memory_.put(kCode + c_.qualified_name, kQualified);
            memory_.put_ascii(kQualified, "Orders.handler", c_);
        }
        memory_.put(kCode + c_.file_name, kFile);
        memory_.put_ascii(kFile, "/var/task/app.py", c_);
        memory_.put(kCode + c_.line_table, kTable);
        const std::array<std::uint8_t, 2> pair{4, 3};  // four bytes are of the third line on
        const std::array<std::uint8_t, 2> entry{0x80 | 13 << 3 | 1, 3 << 1};
        memory_.put_bytes(kTable, c_.line_format == LineTableFormat::locations ? entry : pair);
        frame_ = {.code = kCode,
                  .instruction = c_.instructions != 0 ? kCode + c_.instructions + 2 : 1u,
                  .identity = std::uint64_t{40} << 32 | 6};
        if (c_.line_format == LineTableFormat::lnotab) frame_.instruction = 4;
    }

    const PythonLayout& layout_;
    const PythonCodeLayout& c_;
    FakeMemory memory_;
    at_python_frame frame_{};
};

TEST_P(PythonCode, TellsNameFileAndLine) {
    const auto f = read_python_function(memory_.reader(), layout_, frame_, kType);
    ASSERT_TRUE(f) << f.error().message;
    EXPECT_EQ(f->name, GetParam() >= 11 ? "Orders.handler" : "handler");
    EXPECT_EQ(f->file, "/var/task/app.py");
    EXPECT_EQ(f->first_line, 40u);
    EXPECT_EQ(line_of(*f, layout_, frame_.instruction), 43u);
}

TEST_P(PythonCode, RefusesAnAddressThatIsUsedAgain) {
    memory_.put(kCode + c_.first_line, std::uint32_t{41});
    const auto f = read_python_function(memory_.reader(), layout_, frame_, kType);
    ASSERT_FALSE(f);
    EXPECT_EQ(f.error().code, Errc::corrupt);
}

TEST_P(PythonCode, RefusesWhatIsNoCodeObject) {
    memory_.put(kCode + 8, kType + 8);
    const auto f = read_python_function(memory_.reader(), layout_, frame_, kType);
    ASSERT_FALSE(f);
    EXPECT_EQ(f.error().code, Errc::corrupt);
}

TEST_P(PythonCode, SaysThatTheProcessIsGone) {
    const auto f = read_python_function(FakeMemory().reader(), layout_, frame_, kType);
    ASSERT_FALSE(f);
    EXPECT_EQ(f.error().code, Errc::unavailable);
}

TEST_P(PythonCode, GivesNamesOfAnyScriptAsUtf8) {
    const std::uint64_t address = c_.qualified_name != 0 ? kQualified : kName;
    memory_.put_wide(address, u"größe_値", c_);
    const auto f = read_python_function(memory_.reader(), layout_, frame_, kType);
    ASSERT_TRUE(f) << f.error().message;
    EXPECT_EQ(f->name, "größe_値");
}

TEST_P(PythonCode, DoesWithoutALineTable) {
    memory_.put(kCode + c_.line_table, std::uint64_t{0xdead0000});
    const auto f = read_python_function(memory_.reader(), layout_, frame_, kType);
    ASSERT_TRUE(f) << f.error().message;
    // lnotab says what changes after the first line; without it, that is the line.
    EXPECT_EQ(line_of(*f, layout_, frame_.instruction), c_.line_format == LineTableFormat::lnotab ? 40u : 0u);
}

INSTANTIATE_TEST_SUITE_P(Versions, PythonCode, ::testing::Values(8u, 9u, 10u, 11u, 12u, 13u),
                         [](const auto& of) { return "Python3_" + std::to_string(of.param); });

std::array<std::byte, kDebugOffsetsSize> debug_offsets(std::uint64_t version, std::uint64_t free_threaded) {
    std::array<std::byte, kDebugOffsetsSize> bytes{};
    std::memcpy(bytes.data(), "xdebugpy", 8);
    const auto put = [&](std::size_t at, std::uint64_t value) { std::memcpy(bytes.data() + at, &value, 8); };
    put(8, version);
    put(16, free_threaded);
    put(40, 648);   // runtime_state.interpreters_head
    put(72, 7400);  // interpreter_state.threads_head
    return bytes;
}

TEST(PythonLayoutOf313, TakesWhatMovesFromTheInterpreterItself) {
    const auto layout = with_debug_offsets(*python_layout(13), debug_offsets(0x030D0100, 0));
    ASSERT_TRUE(layout) << layout.error().message;
    EXPECT_EQ(layout->walk.runtime_interpreter, 648u);
    EXPECT_EQ(layout->walk.interpreter_threads, 7400u);
}

TEST(PythonLayoutOf313, RefusesFreeThreadedBuildsAndOtherVersions) {
    EXPECT_EQ(with_debug_offsets(*python_layout(13), debug_offsets(0x030D0100, 1)).error().code,
              Errc::unsupported);
    EXPECT_EQ(with_debug_offsets(*python_layout(13), debug_offsets(0x030E0000, 0)).error().code,
              Errc::corrupt);
    EXPECT_EQ(with_debug_offsets(*python_layout(13), {}).error().code, Errc::corrupt);
}

TEST(PythonLayouts, AreKnownFrom38To313) {
    EXPECT_EQ(python_layout(7), nullptr);
    for (unsigned minor = 8; minor <= 13; ++minor) EXPECT_EQ(python_layout(minor)->minor, minor);
    EXPECT_EQ(python_layout(14), nullptr);
}

}  // namespace
}  // namespace autotune::symbols
