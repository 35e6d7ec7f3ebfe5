#include "agent/symbols/elf_image.hpp"

#include <elf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <tuple>

#include "agent/symbols/demangle.hpp"
#include "os/fd.hpp"
#include "os/file.hpp"

namespace autotune::symbols {
namespace {

Result<ElfImage> image_of(const char* path) {
    const Fd fd(open(path, O_RDONLY | O_CLOEXEC));
    return ElfImage::read(fd.get());
}

TEST(ElfImage, KnowsFunctionsByAddress) {
    const auto image = image_of(AUTOTUNE_NATIVE_PROGRAM);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_TRUE(image->has_full_table());
    const auto at = image->address_of("large_share");
    ASSERT_TRUE(at);
    ASSERT_TRUE(image->find(*at + 1));
    EXPECT_EQ(image->find(*at + 1)->name, "large_share");
    EXPECT_EQ(image->find(*at + 1)->offset, 1u);
}

TEST(ElfImage, DoesNotStretchAFunctionBeyondItsSize) {
    const auto image = image_of(AUTOTUNE_NATIVE_PROGRAM);
    ASSERT_TRUE(image);
    EXPECT_FALSE(image->find(0x7fffffffffff));
    EXPECT_FALSE(image->find(1));
}

TEST(ElfImage, TellsTheBuildAndWhereTextBegins) {
    const auto image = image_of(AUTOTUNE_NATIVE_PROGRAM);
    ASSERT_TRUE(image);
    EXPECT_EQ(image->build_id(), "0123456789abcdef0123456789abcdef01234567");
    const auto text = image->text_offset();
    ASSERT_TRUE(text);
    const auto first = image->address_of_offset(*text);
    ASSERT_TRUE(first);
    EXPECT_LT(*first, *image->address_of("main"));
}

TEST(ElfImage, ReadsAStrippedLibrarysDynamicSymbols) {
    const auto image = image_of(AUTOTUNE_STRIPPED_LIBRARY);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_FALSE(image->has_full_table());
    const auto at = image->address_of("_ZN5shape6squareEi");
    ASSERT_TRUE(at);
    EXPECT_EQ(demangle(image->find(*at)->name), "shape::square(int)");
}

TEST(ElfImage, KeepsTheDataThatAnInterpreterIsFoundBy) {
    const auto image = image_of(AUTOTUNE_STRIPPED_LIBRARY);
    ASSERT_TRUE(image);
    EXPECT_TRUE(image->address_of("_PyRuntime"));
    EXPECT_FALSE(image->address_of("other_data"));
}

// A program with one function, `found`, whose table of symbols or of their names says that it is `bytes` long: a hole.
std::string with_large_section(std::size_t which, std::uint64_t bytes) {
    enum : std::size_t { none, code, symbols, names, sections };
    std::array<Elf64_Shdr, sections> headers{};
    headers[code] = {.sh_type = SHT_PROGBITS, .sh_flags = SHF_EXECINSTR, .sh_addr = 0x1000, .sh_offset = 0x1000, .sh_size = 0x100};
    headers[symbols] = {.sh_type = SHT_SYMTAB, .sh_offset = 0x2000, .sh_size = sizeof(Elf64_Sym), .sh_link = names, .sh_entsize = sizeof(Elf64_Sym)};
    headers[names] = {.sh_type = SHT_STRTAB, .sh_offset = 0x3000, .sh_size = 16};
    if (which != none) {
        headers[which].sh_offset = 0x10000;
        headers[which].sh_size = bytes;
    }
    Elf64_Ehdr head{};
    std::memcpy(head.e_ident, ELFMAG, SELFMAG);
    head.e_ident[EI_CLASS] = ELFCLASS64;
    head.e_ident[EI_DATA] = ELFDATA2LSB;
    head.e_ident[EI_VERSION] = head.e_version = EV_CURRENT;
    head.e_type = ET_EXEC;
    head.e_machine = EM_X86_64;
    head.e_ehsize = sizeof head;
    head.e_shoff = sizeof head;
    head.e_shentsize = sizeof(Elf64_Shdr);
    head.e_shnum = sections;
    head.e_shstrndx = names;
    const Elf64_Sym symbol{.st_name = 1, .st_info = STT_FUNC, .st_shndx = code, .st_value = 0x1000, .st_size = 16};
    const std::string path = ::testing::TempDir() + "/large-" + std::to_string(getpid());
    std::ofstream file(path, std::ios::binary);
    const auto put = [&](std::uint64_t at, const void* from, std::size_t size) {
        file.seekp(static_cast<std::streamoff>(at)).write(static_cast<const char*>(from), static_cast<std::streamsize>(size));
    };
    put(0, &head, sizeof head);
    put(sizeof head, headers.data(), sizeof headers);
    put(headers[symbols].sh_offset, &symbol, sizeof symbol);
    put(headers[names].sh_offset, "\0found", 7);
    file.close();
    std::filesystem::resize_file(path, 0x10000 + bytes);
    return path;
}

TEST(ElfImage, LeavesOutSectionsThatAreTooLargeAndSaysSo) {
    for (const auto& [which, bytes, whole] : {std::tuple{0u, 0ull, true}, {2u, 3ull << 20, true}, {2u, 300ull << 20, false},
                                              {3u, 3ull << 20, true}, {3u, 300ull << 20, false}}) {
        const std::string path = with_large_section(which, bytes);
        const auto image = image_of(path.c_str());
        std::filesystem::remove(path);
        ASSERT_TRUE(image) << image.error().message;
        EXPECT_EQ(image->is_cut(), !whole) << which << ' ' << bytes;
        EXPECT_EQ(image->address_of("found").has_value(), whole) << which << ' ' << bytes;
    }
}

TEST(ElfImage, RefusesWhatIsNoElf) {
    for (const std::string_view bytes : {"", "#!/bin/sh\n",
                                         "\x7f"
                                         "ELF"}) {
        const auto image = ElfImage::read(bytes);
        EXPECT_TRUE(!image || image->size() == 0);
    }
    EXPECT_FALSE(ElfImage::read(-1));
}

// Every field of the headers, and then anything at all: nothing may crash or ask for the moon.
TEST(ElfImage, SurvivesCorruption) {
    const auto whole = read_file(AUTOTUNE_NATIVE_PROGRAM);
    ASSERT_TRUE(whole);
    std::uint32_t state = 7;
    const auto next = [&] { return state = state * 1664525 + 1013904223; };
    std::size_t readable = 0;
    for (int round = 0; round < 1500; ++round) {
        std::string bytes = *whole;
        const std::size_t range = round % 3 == 0 ? 64 : round % 3 == 1 ? 1024 : bytes.size();
        for (int i = 0; i < 1 + round % 16; ++i) bytes[next() % range] = static_cast<char>(next() >> 24);
        if (round % 5 == 0) bytes.resize(next() % bytes.size());
        const auto image = ElfImage::read(bytes);
        if (!image) continue;
        ++readable;
        for (std::uint64_t address = 0; address < 0x5000; address += 64) (void)image->find(address);
    }
    EXPECT_GT(readable, 0u);
}

}  // namespace
}  // namespace autotune::symbols
