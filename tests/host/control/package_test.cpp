#include "host/control/package.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "os/file.hpp"
#include "tests/host/control/support.hpp"

namespace autotune::host {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

constexpr auto not_a_zip =
    "InvalidParameterValueException: Could not unzip uploaded file. Please check your file, then try to "
    "upload again.";
constexpr auto bad_link =
    "InvalidParameterValueException: Could not unzip uploaded file: a link in it leads out of it, or in circles.";

class Package : public testing::Test {
protected:
    Status unpacked(std::string_view zip, const PackageLimits& limits = {}) {
        return unpack(zip, target(), limits);
    }
    fs::path target() const { return folder_.path() / "code"; }
    mode_t mode(const char* name) const {
        struct stat status {};
        return ::lstat((target() / name).c_str(), &status) == 0 ? status.st_mode : 0;
    }
    TemporaryFolder folder_;
};

TEST_F(Package, IsUnpackedWithFoldersAndModeBits) {
    ASSERT_TRUE(unpacked(
        a_zip({{"bootstrap", "#!", 0100755}, {"lib/a.py", "x = 1", 0100600}, {"empty/", "", 040755}})));
    EXPECT_EQ(*read_file(target() / "lib/a.py"), "x = 1");
    EXPECT_EQ(mode("bootstrap") & 07777, 0755u);
    EXPECT_EQ(mode("lib/a.py") & 07777, 0644u) << "sandboxes may run as another user";
    EXPECT_TRUE(fs::is_directory(target() / "empty"));
}

TEST_F(Package, LosesSetuidBits) {
    ASSERT_TRUE(unpacked(a_zip({{"tool", "x", 0104755}})));
    EXPECT_EQ(mode("tool") & 07777, 0755u);
}

TEST_F(Package, ThatIsNoZipIsRefused) {
    for (const auto& bytes : {std::string("not a zip at all"), std::string("PK\3\4 nearly one"),
                              a_zip({{"a", "content of a file"}}).substr(0, 40)})
        EXPECT_EQ(fault_of(unpacked(bytes)), not_a_zip);
    EXPECT_FALSE(fs::exists(target()));
}

TEST_F(Package, WithoutFilesIsRefused) {
    constexpr auto empty = "InvalidParameterValueException: Uploaded file must be a non-empty zip";
    EXPECT_EQ(fault_of(unpacked("")), empty);
    EXPECT_EQ(fault_of(unpacked("PK\5\6" + std::string(18, '\0'))), empty);
}

TEST_F(Package, WithADamagedFileIsRefused) {
    auto bytes = a_zip({{"a", std::string(2000, 'a')}});
    bytes[40] = static_cast<char>(bytes[40] ^ 0x55);
    EXPECT_EQ(fault_of(unpacked(bytes)), not_a_zip);
    EXPECT_TRUE(fs::is_empty(folder_.path())) << "nothing half-unpacked stays";
}

TEST_F(Package, WithAnEntryThatLeavesItsFolderIsRefused) {
    for (const auto* name : {"../outside", "a/../../outside", "/tmp/outside", "a\\..\\outside"}) {
        EXPECT_EQ(fault_of(unpacked(a_zip({{"fine", "x"}, {name, "evil"}}))), not_a_zip) << name;
        EXPECT_TRUE(fs::is_empty(folder_.path())) << name;
    }
}

TEST_F(Package, NeverWritesThroughALinkOfItsOwn) {
    const auto outside = folder_.path() / "outside";
    EXPECT_EQ(fault_of(unpacked(a_zip({{"link", outside.string(), 0120777}}))), bad_link);
    EXPECT_EQ(fault_of(unpacked(a_zip({{"link", "../outside", 0120777}, {"link/x", "evil"}}))), not_a_zip);
    EXPECT_FALSE(fs::exists(outside));
    EXPECT_TRUE(unpacked(a_zip({{"real", "x"}, {"lib/link", "../real", 0120777}})));
    EXPECT_EQ(*read_file(target() / "lib/link"), "x");
}

ZipItem a_link(std::string name, std::string to) { return {std::move(name), std::move(to), 0120777}; }

TEST_F(Package, WithALinkThatLeadsOutByWayOfAnotherIsRefused) {
    std::string deep, back;
    for (int i = 0; i < 12; ++i) deep += "d" + std::to_string(i) + "/", back += "../";
    const ZipItem file{deep + "file", "x"}, up = a_link(deep + "up", back);
    // By its text alone each of them stays inside.
    for (const auto& items : std::vector<std::vector<ZipItem>>{
             {file, up, a_link("members/order", "../" + deep + "up/../../../root/.aws")},
             {file, a_link("members/order", "../" + deep + "up/.."), up},
             {file, a_link(deep + "up", back.substr(3)), a_link("a", deep + "up/../../etc")},
             {file, up, a_link("b", deep + "up/missing/../../etc")},
             {file, a_link("self", "self")},
             {file, a_link("one", "two"), a_link("two", "one/x")}}) {
        EXPECT_EQ(fault_of(unpacked(a_zip(items))), bad_link) << items.back().name << " -> " << items.back().bytes;
        EXPECT_TRUE(fs::is_empty(folder_.path()));
        fs::remove_all(target());
    }
    ASSERT_TRUE(unpacked(a_zip({file, up, a_link("way", deep + "up/" + deep + "file"), a_link("later", "not/there"),
                                a_link("folder", deep), a_link("near", "folder/../../d10/d11/file")})));
    EXPECT_EQ(*read_file(target() / "way"), "x");
    EXPECT_EQ(*read_file(target() / "near"), "x");
}

TEST_F(Package, WithManyLongLinksIsRefusedSoon) {
    std::string far;
    while (far.size() < 4000) far += "./a/../";
    std::vector<ZipItem> items{{"a/file", "x"}};
    for (int i = 0; i < 100; ++i)
        items.push_back(a_link("l" + std::to_string(i), far + (i % 30 > 0 ? "l" + std::to_string(i - 1) : "a")));
    EXPECT_EQ(fault_of(unpacked(a_zip(items))), bad_link);
}

TEST_F(Package, ThatGrowsTooLargeIsRefused) {
    const auto bomb = a_zip({{"a", std::string(600'000, 'a')}, {"b", std::string(600'000, 'b')}});
    ASSERT_LT(bomb.size(), 10'000u);
    EXPECT_EQ(fault_of(unpacked(bomb, {50'000, 1'000'000})),
              "InvalidParameterValueException: Unzipped size must be smaller than 1000000 bytes");
    EXPECT_TRUE(fs::is_empty(folder_.path()));
    EXPECT_THAT(fault_of(unpacked(bomb, {1'000, 2'000'000})),
                StartsWith("RequestEntityTooLargeException: Zipped size must be smaller than 1000 bytes"));
    EXPECT_TRUE(unpacked(bomb, {50'000, 1'200'000}));
}

TEST_F(Package, IsTheSameForTheSameFiles) {
    for (const auto* name : {"one", "two"}) {
        put_file(folder_.path() / name / "b.py", "b");
        put_file(folder_.path() / name / "a.py", "a");
        put_file(folder_.path() / name / "function.yaml", name);
    }
    const auto one = pack(folder_.path() / "one", "function.yaml");
    ASSERT_TRUE(one);
    EXPECT_EQ(sha256_base64(*one), sha256_base64(*pack(folder_.path() / "two", "function.yaml")));
    put_file(folder_.path() / "two" / "b.py", "changed");
    EXPECT_NE(*one, *pack(folder_.path() / "two", "function.yaml"));
}

TEST_F(Package, ComesBackAsItWasPacked) {
    const auto source = folder_.path() / "source";
    put_file(source / "deep/er/file.txt", std::string(100'000, 'z') + "end");
    put_file(source / "bootstrap", "#!/bin/sh\n");
    fs::permissions(source / "bootstrap", fs::perms(0755));
    fs::create_symlink("bootstrap", source / "alias");
    const auto zip = pack(source);
    ASSERT_TRUE(zip) << zip.error().message;
    ASSERT_TRUE(unpacked(*zip));
    EXPECT_EQ(*read_file(target() / "deep/er/file.txt"), std::string(100'000, 'z') + "end");
    EXPECT_EQ(mode("bootstrap") & 07777, 0755u);
    EXPECT_EQ(fs::read_symlink(target() / "alias"), "bootstrap");
}

TEST_F(Package, NeedsFiles) {
    fs::create_directories(folder_.path() / "nothing");
    EXPECT_THAT(fault_of(pack(folder_.path() / "nothing")), HasSubstr("holds no code"));
    EXPECT_FALSE(pack(folder_.path() / "absent"));
}

TEST(Base64, IsReadAsItIsWritten) {
    for (const auto& bytes : {std::string(), std::string("a"), std::string("ab"), std::string("abc"),
                              std::string("\0\xff\x7f", 3)})
        EXPECT_EQ(*from_base64(to_base64(bytes)), bytes);
    EXPECT_EQ(to_base64("abcd"), "YWJjZA==");
    EXPECT_EQ(*from_base64("YWJj\nZA==\r\n"), "abcd");
    for (const auto* text : {"a", "ab=c", "a===", "====", "!!!!", "YWJjZA"})
        EXPECT_FALSE(from_base64(text)) << text;
}

TEST(Sha256, IsAsLambdaWritesIt) {
    EXPECT_EQ(sha256_base64("abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    EXPECT_EQ(file_name_of("a+b/c="), "a-b_c");
}

}  // namespace
}  // namespace autotune::host
