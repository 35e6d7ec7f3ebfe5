#include "os/file_pieces.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "tests/support/no_threads.hpp"

namespace autotune {
namespace {

class FilePieces : public testing::Test {
protected:
    FilePieces() : path_(std::filesystem::path(testing::TempDir()) / ("pieces" + std::to_string(getpid()))) {}
    ~FilePieces() override { std::filesystem::remove(path_); }

    std::string write(std::size_t bytes) {
        std::string text(bytes, '\0');
        for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i % 251 + i / (std::size_t{1} << 20));
        std::ofstream(path_, std::ios::binary) << text;
        return text;
    }
    std::filesystem::path path_;
};

// Small files are read by one thread, large ones by two.
TEST_F(FilePieces, AreTheFile) {
    for (const std::size_t bytes : {0, 1, 2, 1 << 20, (3 << 20) + 5, 16 << 20, (21 << 20) + 1}) {
        const std::string text = write(bytes);
        std::string read;
        std::size_t first = 0;
        const Status status = read_in_pieces(path_, [&](std::string_view piece) {
            if (read.empty()) first = piece.size();
            read += piece;
            return ok();
        });
        ASSERT_TRUE(status);
        EXPECT_TRUE(read == text) << bytes;
        EXPECT_GE(first, std::min<std::size_t>(bytes, 2));
    }
}

TEST_F(FilePieces, AreReadWhereNoThreadIsToBeHad) {
    const std::string text = write(20 << 20);
    const test::NoThreads none;
    std::string read;
    const Status status = read_in_pieces(path_, [&](std::string_view piece) {
        read += piece;
        return ok();
    });
    EXPECT_TRUE(status);
    EXPECT_TRUE(read == text);
}

TEST_F(FilePieces, EndWhereTheyAreRefused) {
    for (const std::size_t bytes : {3 << 20, 40 << 20})
        for (const int refused : {1, 2, 3}) {
            write(bytes);
            int taken = 0;
            const Status status = read_in_pieces(path_, [&](std::string_view) -> Status {
                return ++taken == refused ? Status(fail(Errc::corrupt, "enough")) : ok();
            });
            ASSERT_FALSE(status);
            EXPECT_EQ(status.error().message, "enough");
            EXPECT_EQ(taken, refused);
        }
}

TEST_F(FilePieces, EndWhereWhoTakesThemThrows) {
    write(40 << 20);
    EXPECT_THROW((void)read_in_pieces(path_, [](std::string_view) -> Status { throw std::runtime_error("no room"); }), std::runtime_error);
}

TEST_F(FilePieces, OfWhatCannotBeReadAreAnError) {
    const auto none = [](std::string_view) { return ok(); };
    const Status missing = read_in_pieces(path_, none);
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().message.find(path_.string()), std::string::npos);
    const Status folder = read_in_pieces(testing::TempDir(), none);
    ASSERT_FALSE(folder);
    EXPECT_NE(folder.error().message.find("reading"), std::string::npos);
}

}  // namespace
}  // namespace autotune
