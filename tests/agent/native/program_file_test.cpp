#include "agent/native/program_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "os/file.hpp"

namespace autotune::native {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> names(const Result<std::vector<ProgramFunction>>& found) {
    std::vector<std::string> all;
    if (found)
        for (const ProgramFunction& f : *found) all.emplace_back(f.name);
    std::ranges::sort(all);
    return all;
}

class Target : public ::testing::Test {
protected:
    void SetUp() override {
        auto opened = ProgramFile::open(AUTOTUNE_NATIVE_TARGET);
        ASSERT_TRUE(opened) << opened.error().message;
        file.emplace(*std::move(opened));
    }
    std::optional<ProgramFile> file;
};

TEST_F(Target, IsFoundByNameAndByGlob) {
    EXPECT_THAT(names(file->find("twice")), ::testing::ElementsAre("twice"));
    EXPECT_THAT(names(file->find("[ct][wh]*")), ::testing::ElementsAre("chosen", "twice"));
}

TEST_F(Target, HasSeveralNamesAtOneAddressOnce) {
    const auto found = file->find("*chosen");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->size(), 1u);
    EXPECT_EQ(file->find("also_chosen")->front().address, file->find("chosen")->front().address);
}

TEST_F(Target, TellsTheNearestNamesOfOneThatIsMissing) {
    const auto found = file->find("choosen");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::not_found);
    EXPECT_THAT(found.error().message, HasSubstr("no function choosen; near: chosen"));
}

TEST_F(Target, DoesNotTakeAResolverForTheFunction) {
    EXPECT_THAT(file->find("picked_at_start").error().message, HasSubstr("IFUNC"));
}

TEST_F(Target, KnowsItsVariables) {
    const auto number = file->variable("watched_number");
    ASSERT_TRUE(number);
    EXPECT_EQ(number->size, sizeof(int));
    EXPECT_FALSE(file->variable("chosen"));
    EXPECT_THAT(file->find("watched_number").error().message, HasSubstr("is a variable"));
}

TEST_F(Target, GivesTheCodeOfAFunction) {
    const auto f = file->named("chosen");
    ASSERT_TRUE(f);
    EXPECT_EQ(file->code(*f).size(), f->size);
    EXPECT_EQ(file->at(f->address + 1)->name, "chosen");
    EXPECT_FALSE(file->unwinds());
    EXPECT_FALSE(file->is_go());
}

TEST(ProgramFile, SaysThatItIsStripped) {
    const auto file = ProgramFile::open(AUTOTUNE_NATIVE_STRIPPED);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_THAT(file->find("chosen").error().message, HasSubstr("stripped"));
}

TEST(ProgramFile, FindsAFunctionByTheNamePeopleWrite) {
    const auto file = ProgramFile::open("/proc/self/exe");
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->find("autotune::native::ProgramFile::open")->size(), 1u);
    EXPECT_TRUE(file->unwinds()) << "a C++ program";
}

TEST(ProgramFile, RefusesWhatIsNoProgram) {
    EXPECT_EQ(ProgramFile::open("/does/not/exist").error().code, Errc::not_found);
    EXPECT_EQ(ProgramFile::open("/proc/self/status").error().code, Errc::corrupt);
    EXPECT_EQ(ProgramFile::open("/tmp").error().code, Errc::invalid_argument);
}

TEST(ProgramFile, RefusesAnotherMachinesProgram) {
    auto bytes = read_file(AUTOTUNE_NATIVE_TARGET);
    ASSERT_TRUE(bytes);
    (*bytes)[18] = static_cast<char>(this_machine() == Machine::arm64 ? 62 : 183);  // e_machine
    const std::string path = ::testing::TempDir() + "/foreign-" + std::to_string(getpid());
    ASSERT_TRUE(replace_file(path, *bytes));
    const auto file = ProgramFile::open(path);
    unlink(path.c_str());
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, Errc::unsupported);
    EXPECT_THAT(file.error().message, HasSubstr("is a program for"));
}

// Every field of the headers, and then anything at all: nothing may crash or ask for the moon.
TEST(ProgramFile, SurvivesCorruption) {
    const auto whole = read_file(AUTOTUNE_NATIVE_TARGET);
    ASSERT_TRUE(whole);
    const std::string path = ::testing::TempDir() + "/corrupt-" + std::to_string(getpid());
    std::uint32_t state = 7;
    const auto next = [&] { return state = state * 1664525 + 1013904223; };
    std::size_t readable = 0;
    for (int round = 0; round < 300; ++round) {
        std::string bytes = *whole;
        const std::size_t range = round % 3 == 0 ? 64 : round % 3 == 1 ? 1024 : bytes.size();
        for (int i = 0; i < 1 + round % 16; ++i) bytes[next() % range] = static_cast<char>(next() >> 24);
        if (round % 5 == 0) bytes.resize(next() % bytes.size());
        ASSERT_TRUE(replace_file(path, bytes));
        const auto file = ProgramFile::open(path);
        if (!file) continue;
        ++readable;
        const auto all = file->find("*");
        for (std::size_t i = 0; all && i < all->size(); ++i)
            (void)choose_entry_site(file->code((*all)[i]), Machine::x86_64, LongNops::emulated);
    }
    unlink(path.c_str());
    EXPECT_GT(readable, 0u);
}

}  // namespace
}  // namespace autotune::native
