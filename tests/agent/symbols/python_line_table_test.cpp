#include "agent/symbols/python_line_table.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace autotune::symbols {
namespace {

struct Span {
    std::uint64_t from, to;
    std::uint32_t line;
};

std::vector<std::uint8_t> bytes(std::string_view hex) {
    std::vector<std::uint8_t> out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        out.push_back(static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
    return out;
}

void expect_lines(LineTableFormat format, std::string_view hex, const std::vector<Span>& spans) {
    const auto table = bytes(hex);
    for (const Span& s : spans)
        for (std::uint64_t at = s.from; at < s.to; at += 2)
            EXPECT_EQ(python_line(format, table, 1, at), s.line) << "at " << at;
}

// As the interpreters themselves told (co_lines, dis.findlinestarts) of
//   1 def f(a):
//   2     x = 1
//   4     for i in range(a):
//   5         x += len(
//   6             str(i))
//   9     return x
TEST(PythonLineTable, ReadsLnotabOf38) {
    expect_lines(LineTableFormat::lnotab, "000104020c01040106ff0804",
                 {{0, 4, 2}, {4, 16, 4}, {16, 20, 5}, {20, 26, 6}, {26, 34, 5}, {34, 38, 9}});
}

TEST(PythonLineTable, ReadsLinetableOf310) {
    expect_lines(LineTableFormat::linetable, "04010c020401060108ff0404",
                 {{0, 4, 2}, {4, 16, 4}, {16, 20, 5}, {20, 26, 6}, {26, 34, 5}, {34, 38, 9}});
}

TEST(PythonLineTable, ReadsLocationsOf311) {
    expect_lines(
        LineTableFormat::locations,
        "8000d808098041e50d12903189588c58f000020514f0000205148801d808098d53dd0c0f900189468c46f103010e14f4"
        "00010e14f10001091488018801f008000c0d8048",
        {{0, 2, 1}, {2, 6, 2}, {6, 40, 4}, {40, 54, 5}, {54, 82, 6}, {82, 104, 5}, {104, 108, 9}});
}

TEST(PythonLineTable, ReadsLocationsOf313) {
    expect_lines(
        LineTableFormat::locations,
        "8000d808098041e40d1290318e588801d808098c53dc0c0f90018b46f303010e14f1000109148a01f103000e16f00a00"
        "0c0d8048",
        {{0, 2, 1}, {2, 6, 2}, {6, 34, 4}, {34, 46, 5}, {46, 66, 6}, {66, 84, 5}, {84, 88, 4}, {88, 92, 9}});
}

TEST(PythonLineTable, KnowsInstructionsOfNoLine) {
    const std::vector<std::uint8_t> pep626{4, 1, 6, 0x80, 4, 1};
    EXPECT_EQ(python_line(LineTableFormat::linetable, pep626, 10, 0), 11u);
    EXPECT_EQ(python_line(LineTableFormat::linetable, pep626, 10, 4), 0u);
    EXPECT_EQ(python_line(LineTableFormat::linetable, pep626, 10, 10), 12u);
    const std::vector<std::uint8_t> none{0x80 | 15 << 3 | 1};
    EXPECT_EQ(python_line(LineTableFormat::locations, none, 10, 2), 0u);
}

TEST(PythonLineTable, AddsLongDistancesOverSeveralPairs) {
    const std::vector<std::uint8_t> far{255, 0, 45, 127, 0, 127};  // 300 bytes on, 254 lines on
    EXPECT_EQ(python_line(LineTableFormat::lnotab, far, 1, 298), 1u);
    EXPECT_EQ(python_line(LineTableFormat::lnotab, far, 1, 300), 255u);
}

TEST(PythonLineTable, HugeDistancesDoNotOverflow) {
    std::vector<std::uint8_t> huge;
    for (int entry = 0; entry < 64; ++entry) {
        huge.push_back(0x80 | 13 << 3 | 7);
        for (int i = 0; i < 9; ++i) huge.push_back(i == 0 ? 0x7e : 0x7f);  // nine times six bits, positive
        huge.push_back(0x1f);
    }
    EXPECT_EQ(python_line(LineTableFormat::locations, huge, 1, 900), 0u);
}

TEST(PythonLineTable, SurvivesAnyBytes) {
    std::uint32_t state = 1;
    for (int round = 0; round < 2000; ++round) {
        std::vector<std::uint8_t> junk(round % 40);
        for (auto& b : junk) b = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
        for (const auto format :
             {LineTableFormat::lnotab, LineTableFormat::linetable, LineTableFormat::locations})
            EXPECT_LT(python_line(format, junk, 1, state % 400), 1'000'000'000u);
    }
}

}  // namespace
}  // namespace autotune::symbols
