// The rows of real libraries against binutils' reading of the same bytes.
#include <elf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "agent/unwind/elf_frames.hpp"
#include "os/fd.hpp"

namespace autotune::unwind {
namespace {

struct JudgedRow {
    std::string cfa, rbp, return_address;
};

// readelf's table: by address, what it says of CFA, rbp and the return address. Of two functions that
// describe one address the first counts.
std::map<std::uint64_t, JudgedRow> judge(const std::string& file) {
    const std::string command = "readelf -wF '" + file + "' 2>/dev/null";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    std::map<std::uint64_t, JudgedRow> rows;
    std::vector<std::string> columns;
    std::array<char, 4096> line;
    bool in_function = false;
    while (std::fgets(line.data(), line.size(), pipe.get()) != nullptr) {
        std::istringstream words{std::string(line.data())};
        std::vector<std::string> cells;
        for (std::string word; words >> word;) cells.push_back(word);
        if (cells.size() > 3 && cells[3] == "CIE") in_function = false;
        if (cells.size() > 3 && cells[3] == "FDE") in_function = true;
        if (!cells.empty() && cells[0] == "LOC") columns = cells;
        if (!in_function || cells.size() != columns.size() || cells[0] == "LOC" || cells[0].size() != 16)
            continue;
        JudgedRow row;
        for (std::size_t i = 1; i < cells.size(); ++i) {
            if (columns[i] == "CFA") row.cfa = cells[i];
            if (columns[i] == "rbp") row.rbp = cells[i];
            if (columns[i] == "ra") row.return_address = cells[i];
        }
        rows.emplace(std::stoull(cells[0], nullptr, 16), row);
    }
    return rows;
}

std::string signed_text(std::int64_t n) { return (n >= 0 ? "+" : "") + std::to_string(n); }

std::string cfa_text(const Recipe& r) {
    switch (r.cfa) {
        case CfaRule::rsp: return "rsp" + signed_text(r.cfa_offset);
        case CfaRule::rbp: return "rbp" + signed_text(r.cfa_offset);
        case CfaRule::plt:
        case CfaRule::deref_rbp:
        case CfaRule::deref_rsp:
        case CfaRule::signal: return "exp";
        case CfaRule::end:
        case CfaRule::none: return "";
    }
    return "";
}

Recipe at(const FrameRows& rows, std::uint64_t address) {
    const auto after = std::upper_bound(rows.rows.begin(), rows.rows.end(), address,
                                        [](std::uint64_t a, const FrameRow& r) { return a < r.address; });
    return after == rows.rows.begin() ? Recipe{} : std::prev(after)->recipe;
}

class Readelf : public ::testing::TestWithParam<const char*> {};

TEST_P(Readelf, SaysTheSame) {
    if (!std::filesystem::exists(GetParam())) GTEST_SKIP() << GetParam() << " is not on this machine";
    const Fd fd(open(GetParam(), O_RDONLY | O_CLOEXEC));
    const auto read = read_elf_frames(fd.get());
    ASSERT_TRUE(read) << read.error().message;
    const FrameRows* rows = &read->frames;
    const auto judged = judge(std::filesystem::canonical(GetParam()));
    ASSERT_GT(judged.size(), 50u);
    EXPECT_EQ(rows->damaged, 0u);
    std::size_t followed = 0, beyond = 0;
    for (const auto& [address, row] : judged) {
        const Recipe recipe = at(*rows, address);
        if (row.return_address == "u") {
            EXPECT_EQ(recipe.cfa, CfaRule::end) << std::hex << address;
            continue;
        }
        if (recipe.cfa == CfaRule::none) {
            ++beyond;
            continue;
        }
        ++followed;
        EXPECT_EQ(cfa_text(recipe), row.cfa) << std::hex << address;
        if (recipe.cfa == CfaRule::signal) continue;
        const std::string rbp = row.rbp == "exp"                ? "exp"
                                : recipe.rbp == RbpRule::at_cfa ? "c" + signed_text(recipe.rbp_offset)
                                                                : "u";
        EXPECT_EQ(row.rbp.empty() ? "u" : row.rbp, rbp) << std::hex << address;
        if (row.rbp == "exp") {
            EXPECT_EQ(recipe.rbp, RbpRule::at_rbp) << std::hex << address;
        }
    }
    // Hand-written code (libcrypto's) keeps the old stack pointer in other registers for a few instructions.
    EXPECT_LE(beyond * 1'000, judged.size() * 15) << "more than 1.5 % of the rows are beyond us";
    EXPECT_GT(followed, 50u);
}

// The dynamic linker's _start has no description: a thread is in it while its program is loaded.
TEST(ElfFrames, KnowThatNothingCalledTheEntry) {
    for (const char* file : {"/lib64/ld-linux-x86-64.so.2", "/usr/bin/python3"}) {
        SCOPED_TRACE(file);
        const Fd fd(open(file, O_RDONLY | O_CLOEXEC));
        Elf64_Ehdr header;
        ASSERT_EQ(pread(fd.get(), &header, sizeof header, 0), static_cast<ssize_t>(sizeof header));
        const auto read = read_elf_frames(fd.get());
        ASSERT_TRUE(read);
        const auto& rows = read->frames.rows;
        EXPECT_TRUE(std::ranges::is_sorted(rows, {}, &FrameRow::address));
        const auto after = std::ranges::upper_bound(rows, header.e_entry + 7, {}, &FrameRow::address);
        ASSERT_NE(after, rows.begin());
        EXPECT_EQ(std::prev(after)->recipe.cfa, CfaRule::end);
    }
}

INSTANTIATE_TEST_SUITE_P(OfLibraries, Readelf,
                         ::testing::Values("/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2",
                                           "/lib/x86_64-linux-gnu/libcrypto.so.3",
                                           "/lib/x86_64-linux-gnu/libstdc++.so.6", "/usr/bin/python3"));

}  // namespace
}  // namespace autotune::unwind
