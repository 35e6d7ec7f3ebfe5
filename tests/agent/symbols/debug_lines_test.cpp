#include "agent/symbols/debug_lines.hpp"

#include <elf.h>
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include "agent/symbols/demangle.hpp"
#include "agent/symbols/elf_image.hpp"
#include "os/file.hpp"

namespace autotune::symbols {
namespace {

constexpr std::size_t kRoom = 8u << 20;

DebugLines lines_of(const std::string& path) {
    auto lines = DebugLines::open(Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC)), kRoom);
    EXPECT_TRUE(lines) << lines.error().message;
    return *std::move(lines);
}

std::uint32_t marked(const std::string& mark) {
    std::ifstream source(AUTOTUNE_SOURCE_DIR "/tests/agent/symbols/inlined_program.cpp");
    std::string line;
    for (std::uint32_t n = 1; std::getline(source, line); ++n)
        if (line.ends_with("// line: " + mark)) return n;
    return 0;
}

ElfImage::Range outer() {
    const Fd fd(open(AUTOTUNE_INLINED_PROGRAM, O_RDONLY | O_CLOEXEC));
    return ElfImage::read(fd.get())->range_of("outer").value_or(ElfImage::Range{});
}

TEST(DebugLines, TellsWhatWasInlinedAndFromWhichLines) {
    DebugLines lines = lines_of(AUTOTUNE_INLINED_PROGRAM);
    bool found = false;
    for (std::uint64_t at = outer().address; at < outer().address + outer().size; ++at) {
        const auto places = lines.at(at);
        ASSERT_FALSE(places.empty());
        EXPECT_EQ(places.back().function, "outer");
        if (places.size() != 3 || places[0].line != marked("innermost")) continue;
        found = true;
        EXPECT_EQ(demangle(places[0].function), "work::innermost(unsigned int)");
        EXPECT_EQ(demangle(places[1].function), "work::middle(unsigned int)");
        EXPECT_EQ(places[1].line, marked("middle"));
        EXPECT_EQ(places[2].line, marked("outer"));
        EXPECT_TRUE(places[0].file.ends_with("inlined_program.cpp")) << places[0].file;
    }
    EXPECT_TRUE(found);
}

// binutils' own reader, as the judge.
TEST(DebugLines, SaysWhatAddr2lineSays) {
    DebugLines lines = lines_of(AUTOTUNE_INLINED_PROGRAM);
    std::ostringstream command;
    command << "addr2line -s -i -f -e " AUTOTUNE_INLINED_PROGRAM;
    std::string ours;
    for (std::uint64_t at = outer().address; at < outer().address + outer().size; ++at) {
        command << " 0x" << std::hex << at;
        for (const CodePlace& place : lines.at(at))
            ours += place.function + "\n" + place.file.substr(place.file.rfind('/') + 1) + ":" +
                    std::to_string(place.line) + "\n";
    }
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.str().c_str(), "r"), pclose);
    ASSERT_TRUE(pipe);
    std::string theirs;
    std::array<char, 4096> line;
    while (std::fgets(line.data(), line.size(), pipe.get()) != nullptr) {
        std::string text = line.data();
        if (const auto note = text.find(" (discriminator"); note != std::string::npos) text = text.substr(0, note) + "\n";
        theirs += text;
    }
    EXPECT_TRUE(ours == theirs) << ours.size() << " and " << theirs.size() << " bytes";
    EXPECT_NE(ours.find("innermost"), std::string::npos);
}

TEST(DebugLines, ReadsDwarfThatIsCompressed) {
    EXPECT_EQ(lines_of(AUTOTUNE_INLINED_PROGRAM ".zlib").at(outer().address).back().function, "outer");
}

TEST(DebugLines, RefusesWhatHasNoRoom) {
    const auto lines = DebugLines::open(Fd(open(AUTOTUNE_INLINED_PROGRAM, O_RDONLY | O_CLOEXEC)), 100);
    ASSERT_FALSE(lines);
    EXPECT_EQ(lines.error().code, Errc::resource_exhausted);
}

TEST(DebugLines, BoundsRangesThatManyFunctionsShare) {
    const Fd fd(open(AUTOTUNE_SHARED_RANGES, O_RDONLY | O_CLOEXEC));
    const auto start = ElfImage::read(fd.get())->address_of("_start");
    ASSERT_TRUE(start);
    DebugLines lines = lines_of(AUTOTUNE_SHARED_RANGES);
    (void)lines.at(*start);
    EXPECT_EQ(lines.damaged(), 1u);
    EXPECT_GT(lines.bytes(), 4u << 20);
    EXPECT_LT(lines.bytes(), 20u << 20) << "of 160 MB";
}

TEST(DebugLines, SaysThatThereIsNoDwarf) {
    const auto lines = DebugLines::open(Fd(open(AUTOTUNE_STRIPPED_LIBRARY, O_RDONLY | O_CLOEXEC)), kRoom);
    ASSERT_FALSE(lines);
    EXPECT_EQ(lines.error().code, Errc::not_found);
    EXPECT_FALSE(DebugLines::open(Fd(open("/dev/null", O_RDONLY | O_CLOEXEC)), kRoom));
}

// The last text of each section of texts has no end: libdw does not look. (A finding of the fuzzer.)
TEST(DebugLines, DoesNotReadATextBeyondItsSection) {
    std::string file = *read_file(AUTOTUNE_INLINED_PROGRAM);
    Elf64_Ehdr header;
    std::memcpy(&header, file.data(), sizeof header);
    std::vector<Elf64_Shdr> sections(header.e_shnum);
    std::memcpy(sections.data(), file.data() + header.e_shoff, sections.size() * sizeof(Elf64_Shdr));
    int cut = 0;
    for (const Elf64_Shdr& s : sections) {
        const std::string name = file.data() + sections[header.e_shstrndx].sh_offset + s.sh_name;
        if (name != ".debug_str" && name != ".debug_line_str") continue;
        std::replace(file.begin() + static_cast<std::ptrdiff_t>(s.sh_offset),
                     file.begin() + static_cast<std::ptrdiff_t>(s.sh_offset + s.sh_size), '\0', 'x');
        ++cut;
    }
    ASSERT_EQ(cut, 2);
    const std::string path = ::testing::TempDir() + "/endless-" + std::to_string(getpid());
    ASSERT_TRUE(replace_file(path, file));
    DebugLines lines = lines_of(path);
    for (std::uint64_t a = outer().address; a < outer().address + outer().size; ++a)
        for (const CodePlace& place : lines.at(a)) EXPECT_LE(place.function.size(), 4096u);
    unlink(path.c_str());
}

// Every byte of the debug sections flipped, one after the other, in steps: it ends, and answers something.
TEST(DebugLines, SurvivesDamage) {
    const std::string whole = *read_file(AUTOTUNE_INLINED_PROGRAM);
    const std::string path = ::testing::TempDir() + "/damaged-" + std::to_string(getpid());
    std::uint64_t damaged = 0;
    for (std::size_t at = 64; at < whole.size(); at += 97) {
        std::string copy = whole;
        copy[at] = static_cast<char>(~copy[at]);
        ASSERT_TRUE(replace_file(path, copy));
        auto lines = DebugLines::open(Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC)), kRoom);
        if (!lines) continue;
        for (std::uint64_t a = outer().address; a < outer().address + outer().size; a += 3) (void)lines->at(a);
        damaged += lines->damaged();
    }
    unlink(path.c_str());
    EXPECT_GT(damaged, 0u);
}

}  // namespace
}  // namespace autotune::symbols
