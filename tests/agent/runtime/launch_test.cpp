#include "agent/runtime/launch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "agent/runtime/runtime_source.hpp"

namespace autotune {
namespace {

using ::testing::IsEmpty;

class LaunchTest : public ::testing::Test {
protected:
    void SetUp() override {
        ring_folder_ = *runtime::make_ring_folder(geteuid());
        rings_ = ring_folder_.path();
        scratch_ = ::testing::TempDir() + "launch-XXXXXX";
        ASSERT_NE(mkdtemp(scratch_.data()), nullptr);
    }
    void TearDown() override { std::filesystem::remove_all(scratch_); }

    std::string script(const std::string& name, const std::string& text) const {
        const std::string path = scratch_ + "/" + name;
        std::ofstream(path) << text;
        chmod(path.c_str(), 0755);
        return path;
    }

    // Exit status of the shell's command, run with probes; its calls are read.
    int run(const std::string& command, const runtime::PythonProbes& python = {}) {
        auto launch = runtime::Launch::prepare({.folder = rings_, .python = python});
        EXPECT_TRUE(launch.has_value());
        runtime::RuntimeOptions options;
        options.folder = rings_;
        auto source = runtime::make_runtime_source(options);
        EXPECT_TRUE(source->start().has_value());
        const pid_t child = fork();
        if (child == 0) {
            for (const std::string& variable : launch->environment()) putenv(const_cast<char*>(variable.c_str()));
            execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
            _exit(127);
        }
        int status = 0;
        waitpid(child, &status, 0);
        for (PollState state = PollState::ready; state == PollState::ready;)
            state = source->poll(Nanos::zero(), batch_)->state;
        EXPECT_TRUE(source->finish(batch_).has_value());
        refusals_ = launch->refusals();
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    std::size_t calls(const std::string& name) const {
        std::size_t count = 0;
        for (const Event& event : batch_.events)
            if (const auto* call = std::get_if<CallDone>(&event.body))
                count += batch_.tables.strings[batch_.tables.frames[call->function].name] == name;
        return count;
    }

    OwnedFolder ring_folder_;
    std::string rings_, scratch_;
    EventBatch batch_;
    std::vector<runtime::Refusal> refusals_;
};

TEST_F(LaunchTest, EachCallOfAPythonProgramIsSeen) {
    EXPECT_EQ(run("python3 -c 'def f(): return 6\nfor _ in range(40): f()\nraise SystemExit(f())'"), 6);
    EXPECT_EQ(calls("f"), 41u);
    EXPECT_THAT(refusals_, IsEmpty());
}

TEST_F(LaunchTest, AScriptIsFoundByItsFirstLine) {
    const std::string path = script("tool", "#!/usr/bin/env python3\ndef tool(): pass\ntool()\n");
    EXPECT_EQ(run(path), 0);
    EXPECT_EQ(calls("tool"), 1u);
}

TEST_F(LaunchTest, AModuleIsRunAsAProgram) {
    EXPECT_EQ(run("echo '[1]' | python3 -m json.tool > /dev/null"), 0);
    EXPECT_EQ(calls("loads"), 1u);
}

TEST_F(LaunchTest, AVirtualEnvironmentIsOneMorePython) {
    ASSERT_EQ(std::system(("python3 -m venv --without-pip " + scratch_ + "/venv").c_str()), 0);
    EXPECT_EQ(run(scratch_ + "/venv/bin/python -I -c 'def f(): pass\nf()'"), 0);
    EXPECT_EQ(calls("f"), 1u);
}

TEST_F(LaunchTest, ChildrenOfChildrenAreSeen) {
    const std::string child = script("child.py", "def of_child(): pass\nof_child()\n");
    const std::string parent = script("parent.py",
                                      "import subprocess, sys\ndef of_parent(): subprocess.check_call(['sh', '-c', "
                                      "sys.executable + ' ' + sys.argv[1]])\nof_parent()\n");
    EXPECT_EQ(run("python3 " + parent + " " + child), 0);
    EXPECT_EQ(calls("of_child"), 1u);
    EXPECT_EQ(calls("of_parent"), 1u);
}

TEST_F(LaunchTest, AWatchedExpressionIsAVariableSeen) {
    const std::string path = script("handler.py", "def f(x):\n    return x\nfor i in range(30): f(i)\n");
    EXPECT_EQ(run("python3 " + path, {.functions_in_c = false, .watches = {{"handler.py", 2, "x * 2"}}}), 0);
    std::vector<std::string> values;
    std::uint64_t left_out = 0;
    for (const Event& event : batch_.events) {
        if (const auto* seen = std::get_if<VariableSeen>(&event.body)) {
            EXPECT_EQ(batch_.tables.strings[seen->expression], "handler.py:2 x * 2");
            EXPECT_EQ(event.thread, ThreadId{event.process.pid});
            values.emplace_back(batch_.tables.strings[seen->value]);
        }
        if (const auto* lost = std::get_if<Lost>(&event.body); lost && lost->kind == LossKind::shed)
            left_out += lost->count;
    }
    ASSERT_GE(values.size(), 10u);
    EXPECT_EQ(values[0], "0");
    EXPECT_EQ(values[9], "18");
    EXPECT_LE(values.size() + left_out, 30u);
}

TEST_F(LaunchTest, WhatIsNoPythonRunsAsItDoes) {
    EXPECT_EQ(run("exit 3"), 3);
    EXPECT_THAT(refusals_, IsEmpty());
}

TEST_F(LaunchTest, AProcessThatHasNoRoomForARingSaysSoAndRuns) {
    EXPECT_EQ(run("ulimit -f 100; python3 -c 'def f(): pass\nf()'"), 0);
    ASSERT_EQ(refusals_.size(), 1u);
    EXPECT_NE(refusals_[0].reason.find("ulimit -f"), std::string::npos) << refusals_[0].reason;
}

TEST_F(LaunchTest, TheFilesGoWithIt) {
    std::string preload;
    {
        auto launch = runtime::Launch::prepare({.folder = rings_, .python = {}});
        ASSERT_TRUE(launch.has_value());
        preload = launch->environment().back();
        preload = preload.substr(preload.find('=') + 1);
        EXPECT_TRUE(std::filesystem::exists(preload.substr(0, preload.find(':'))));
    }
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(preload).parent_path()));
}

}  // namespace
}  // namespace autotune
