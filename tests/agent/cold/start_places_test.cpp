#include "agent/cold/start_places.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace autotune::cold {
namespace {

TEST(StartPlaces, OfAnyProgramHaveItsFirstInstruction) {
    const auto places = find_start_places("/proc/self/exe");
    ASSERT_TRUE(places) << places.error().message;
    EXPECT_TRUE(places->entry.has_value());
    EXPECT_FALSE(places->import_begins.has_value());
    EXPECT_FALSE(places->eval_code.has_value());
}

// Debian's interpreter is built with probes.
TEST(StartPlaces, OfTheSystemsPythonHaveItsImportsAndModules) {
    const std::string python = std::filesystem::canonical("/usr/bin/python3");
    const auto places = find_start_places(python);
    ASSERT_TRUE(places) << places.error().message;
    EXPECT_TRUE(places->entry && places->run_main && places->eval_code);
    EXPECT_GT(places->code_file, 0u);
    ASSERT_TRUE(places->import_begins && places->import_ends);
    EXPECT_NE(places->import_begins->semaphore, 0u);
    EXPECT_NE(places->import_begins->offset, places->import_ends->offset);
}

TEST(InterpreterLibrary, IsNoneOfAProgramThatNeedsNone) {
    EXPECT_EQ(interpreter_library("/proc/self/exe"), "");
    EXPECT_EQ(interpreter_library("/nowhere"), "");
    EXPECT_EQ(interpreter_library("/etc/passwd"), "");
}

// Beside the test, in a folder that its own search path names from where it lies.
TEST(InterpreterLibrary, IsFoundByTheProgramsOwnSearchPath) {
    const std::string found = interpreter_library(AUTOTUNE_NEEDS_PYTHON);
    EXPECT_EQ(found, std::filesystem::canonical(AUTOTUNE_FAKE_LIBPYTHON));
}

TEST(StartPlaces, OfWhatIsNoProgramAreAnError) {
    EXPECT_EQ(find_start_places("/nowhere").error().code, Errc::not_found);
    const std::string path = ::testing::TempDir() + "/" + std::to_string(::getpid()) + "-no-program";
    std::ofstream(path) << "#!/bin/sh\n";
    EXPECT_EQ(find_start_places(path).error().code, Errc::corrupt);
    std::ofstream(path) << "\x7f" "ELF" << std::string(200, '\1');
    EXPECT_FALSE(find_start_places(path) && find_start_places(path)->entry);
    ::unlink(path.c_str());
}

}  // namespace
}  // namespace autotune::cold
