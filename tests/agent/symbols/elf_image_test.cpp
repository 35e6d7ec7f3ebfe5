#include "agent/symbols/elf_image.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

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
