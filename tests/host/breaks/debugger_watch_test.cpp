#include "host/breaks/debugger_watch.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace autotune::host {
namespace {

// A folder like /proc with processes as a test wants them.
class Debugged : public ::testing::Test {
protected:
    ~Debugged() override { std::filesystem::remove_all(root_); }

    void process(int pid, const char* state, int tracer) {
        std::filesystem::create_directories(root_ / std::to_string(pid));
        std::ofstream(root_ / std::to_string(pid) / "status")
            << "Name:\tx\nState:\t" << state << "\nTgid:\t" << pid << "\nTracerPid:\t" << tracer << "\nUid:\t0\n";
    }
    void look() { watch.look({1, 2, 3}); }  // 3 has ended

    const std::filesystem::path root_ = std::filesystem::temp_directory_path() / ("debugged-" + std::to_string(::getpid()));
    DebuggerWatch watch{Procfs(root_)};
};

TEST_F(Debugged, IsSeenFromAttachToDetach) {
    process(1, "S (sleeping)", 0);
    process(2, "S (sleeping)", 0);
    look();
    EXPECT_EQ(watch.debugger(), 0);
    EXPECT_FALSE(watch.gone()) << "it was never there";

    process(2, "S (sleeping)", 77);  // attached, not stopped yet
    look();
    EXPECT_EQ(watch.debugger(), 77);
    EXPECT_FALSE(watch.continued()) << "that is no `continue`";

    process(2, "t (tracing stop)", 77);
    look();
    EXPECT_FALSE(watch.continued());

    process(2, "R (running)", 77);
    look();
    EXPECT_TRUE(watch.continued());

    process(2, "R (running)", 0);
    look();
    EXPECT_TRUE(watch.gone());
    EXPECT_FALSE(watch.continued());
}

TEST_F(Debugged, JobControlIsNoDebugger) {
    process(1, "T (stopped)", 0);
    look();
    EXPECT_EQ(watch.debugger(), 0);
    process(1, "T (stopped)", 77);
    look();
    process(1, "S (sleeping)", 77);
    look();
    EXPECT_FALSE(watch.continued());
}

}  // namespace
}  // namespace autotune::host
