#include "agent/bpf/process_scope.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace autotune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Processes : public ::testing::Test {
protected:
    Processes()
        : root_(std::filesystem::path(::testing::TempDir()) / ("process-scope-" + std::to_string(getpid()))) {
    }
    ~Processes() override { std::filesystem::remove_all(root_); }

    void has_thread(int tid, int group) {
        write(tid, "status", "Name:\tx\nTgid:\t" + std::to_string(group) + "\nPid:\t1\n");
    }
    void has_process(int pid, int parent, const std::string& command = "sh") {
        write(pid, "stat", std::to_string(pid) + " (" + command + ") S " + std::to_string(parent) + " 1 1");
    }
    [[nodiscard]] Procfs proc() const { return Procfs(root_); }

private:
    void write(int pid, const char* file, const std::string& text) {
        const auto directory = root_ / std::to_string(pid);
        std::filesystem::create_directories(directory);
        std::ofstream(directory / file) << text;
    }
    std::filesystem::path root_;
};

TEST_F(Processes, AreTheGroupsOfWhatIsNamedEachOnce) {
    has_thread(10, 10);
    has_thread(11, 10);
    has_thread(20, 20);
    const auto found = find_processes(proc(), std::vector{11, 20, 10}, {});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_THAT(found->all, ElementsAre(10, 20));
    EXPECT_THAT(found->fresh, ElementsAre(10, 20));
}

TEST_F(Processes, ThatAreKnownAreNotAskedForAgain) {
    has_thread(20, 20);
    const auto found = find_processes(proc(), std::vector{10, 20}, std::vector{10});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_THAT(found->all, ElementsAre(10, 20));
    EXPECT_THAT(found->fresh, ElementsAre(20));
}

TEST_F(Processes, ThatDoNotExistAreNamed) {
    const auto found = find_processes(proc(), std::vector{4711}, {});
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::not_found);
    EXPECT_THAT(found.error().message, HasSubstr("4711"));
}

TEST_F(Processes, HaveDescendantsWhateverTheyAreCalled) {
    has_process(10, 1);
    has_process(30, 20);
    has_process(20, 10, "a) S 1 (b");
    has_process(40, 1);
    EXPECT_THAT(proc().with_descendants({10}), ElementsAre(10, 20, 30));
    EXPECT_THAT(proc().with_descendants({}), IsEmpty());
}

}  // namespace
}  // namespace autotune
