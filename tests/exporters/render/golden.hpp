// Compares text with a file beside the tests. AUTOTUNE_UPDATE_GOLDEN=1 writes the files instead: look at the
// difference before committing it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace autotune::testing {

inline void expect_golden(const std::string& name, const std::string& actual) {
    const auto path = std::filesystem::path(AUTOTUNE_SOURCE_DIR) / "tests/exporters/render/golden" / name;
    if (std::getenv("AUTOTUNE_UPDATE_GOLDEN") != nullptr) {
        std::ofstream(path, std::ios::binary) << actual;
        return;
    }
    std::ifstream file(path, std::ios::binary);
    ASSERT_TRUE(file) << path << " is missing; run with AUTOTUNE_UPDATE_GOLDEN=1";
    std::ostringstream expected;
    expected << file.rdbuf();
    EXPECT_EQ(actual, expected.str()) << "differs from " << path;
}

}  // namespace autotune::testing
