#include "cli/rules_test.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace autotune::cli {
namespace {

namespace fs = std::filesystem;

// A folder with a rules file and a file of tests, gone at the end.
class RulesTest : public testing::Test {
protected:
    RulesTest() {
        fs::create_directories(folder_);
        write("rules.yaml", "version: 1\nrules: [{name: r, when: fn.errors > 5, plan: [{notify: {}}]}]\n");
    }
    ~RulesTest() override { fs::remove_all(folder_); }

    std::string write(const std::string& name, const std::string& text) {
        std::ofstream(folder_ / name) << text;
        return (folder_ / name).string();
    }
    int run(const std::string& file, bool json = false) {
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const int status = rules_test({.files = {file}, .json = json});
        out_ = testing::internal::GetCapturedStdout();
        err_ = testing::internal::GetCapturedStderr();
        return status;
    }
    std::string tests(const std::string& actions) {
        return write("t.yaml",
                     "version: 1\nrules: rules.yaml\ntests:\n- name: many\n  functions: [{name: a, facts: "
                     "[{at: 0s, fn: "
                     "{errors: 9}}]}]\n  expect: [{at: 0s, actions: " +
                         actions + "}]\n");
    }

    const fs::path folder_ = fs::path(testing::TempDir()) / ("rules_test_" + std::to_string(::getpid()));
    std::string out_, err_;
};

TEST_F(RulesTest, SaysWhichTestsPass) {
    const std::string file = tests("[{rule: r, function: a}]");
    EXPECT_EQ(run(file), 0);
    EXPECT_EQ(out_, "ok     " + file + ": many\n");
    EXPECT_EQ(err_, "");
    EXPECT_EQ(run(file, true), 0);
    EXPECT_NE(out_.find("\"ok\": true"), std::string::npos);
}

TEST_F(RulesTest, SaysWhereOneFails) {
    const std::string file = tests("[]");
    EXPECT_EQ(run(file), 1);
    EXPECT_EQ(out_, "FAILED " + file + ": many\n");
    EXPECT_EQ(err_, file + ":6:12: 'many', at 0s: planned: r on a: notify (dry-run); expected: nothing\n");
}

TEST_F(RulesTest, RefusesFilesThatItCannotUse) {
    EXPECT_EQ(run((folder_ / "none.yaml").string()), 2);
    EXPECT_EQ(run(write("t.yaml", "version: 1\nrules: other.yaml\ntests: []\n")), 2);
    EXPECT_NE(err_.find("other.yaml"), std::string::npos);
    EXPECT_EQ(run(write("t.yaml", "tests: 1\n")), 2);
}

}  // namespace
}  // namespace autotune::cli
