// What the sampler gives of a child in a cgroup of its own, counted by function.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "agent/symbols/sampler_source.hpp"
#include "tests/agent/symbols/traced_child.hpp"

namespace autotune::symbols {

using autotune::testing::TestCgroup;
using autotune::testing::TracedChild;

inline constexpr std::uint32_t kHz = 997;

struct Collected {
    EventBatch batch;
    std::uint64_t samples = 0;
    std::uint64_t truncated = 0;
    std::uint64_t lost = 0;
    std::map<std::string, std::uint64_t> holding;  // samples whose stack holds that function
    std::map<std::string, std::uint64_t> leaves;
    std::map<std::pair<std::string, std::string>, std::uint64_t> pairs;  // samples that hold both
    std::set<StackId> stacks;
    std::set<std::string> modules;
    std::uint64_t python_before = 0;  // Python's samples until the program was let go (SamplerOnKernel::python_program)

    [[nodiscard]] std::string name(FrameId id) const {
        return std::string(batch.tables.strings[batch.tables.frames[id].name]);
    }
    [[nodiscard]] double share(const std::string& function) const {
        const auto found = holding.find(function);
        return found == holding.end() ? 0 : static_cast<double>(found->second) / static_cast<double>(samples);
    }
    [[nodiscard]] std::string summary() const {
        std::ostringstream text;
        text << samples << " samples, " << truncated << " truncated, " << lost << " lost; holding:";
        for (const auto& [function, count] : holding) text << ' ' << function << '=' << count;
        return text.str();
    }
    [[nodiscard]] std::uint64_t together(const std::string& a, const std::string& b) const {
        const auto found = pairs.find({a, b});
        return found == pairs.end() ? 0 : found->second;
    }
    void add(const Event& event) {
        if (const auto* loss = std::get_if<Lost>(&event.body)) lost += loss->count;
        const auto* sample = std::get_if<StackSample>(&event.body);
        if (sample == nullptr) return;
        ++samples;
        truncated += sample->truncated ? 1 : 0;
        const auto frames = batch.tables.stacks[sample->stack];
        std::set<std::string> names;
        for (const FrameId f : frames) {
            names.insert(name(f));
            modules.emplace(batch.tables.strings[batch.tables.frames[f].module]);
        }
        stacks.insert(sample->stack);
        for (const auto& a : names) {
            ++holding[a];
            for (const auto& b : names) ++pairs[{a, b}];
        }
        if (!frames.empty()) ++leaves[name(frames[0])];
    }
};

class SamplerOnKernel : public ::testing::Test {
protected:
    void SetUp() override {
        if (geteuid() != 0) GTEST_SKIP() << "needs root to load BPF programs";
        ASSERT_TRUE(cgroup_.made()) << "could not make a cgroup below the unified mount";
    }
    std::unique_ptr<SamplerSource> started(SamplerOptions options = {}) {
        options.sample_hz = kHz;
        auto made = make_sampler_source(options);
        if (!made) return nullptr;
        auto source = std::move(*made);
        EXPECT_TRUE(source->focus({.cgroups = {"/" + cgroup_.path()}, .sample_hz = kHz}));
        const auto status = source->start();
        EXPECT_TRUE(status) << status.error().message;
        return status ? std::move(source) : nullptr;
    }
    // Of a program that waits to be let go (made_to_wait, python_program): what comes after. Else all.
    void collect(SamplerSource& source, TracedChild& child, Collected& into) {
        bool ended = false;
        bool counts = go_.empty();
        while (!ended) {
            ended = child.ended();
            const auto poll = source.poll(std::chrono::milliseconds(10), into.batch);
            ASSERT_TRUE(poll) << poll.error().message;
            for (const Event& e : into.batch.events) {
                if (std::holds_alternative<StackSample>(e.body)) {
                    EXPECT_EQ(e.process.pid, child.pid());
                    EXPECT_GT(e.process.start_ns, 0u);
                    if (is_waiting(into, e)) {
                        std::ofstream(go_).flush();
                        counts = true;
                        into.python_before = source.health().python_samples;
                        continue;
                    }
                }
                if (counts) into.add(e);
            }
            into.batch.events.clear();
        }
    }
    // All of a program from its start to its end; what it printed. It must succeed.
    std::string sampled(const std::vector<std::string>& command, Collected& into) {
        const auto source = started();
        EXPECT_NE(source, nullptr);
        if (source == nullptr) return {};
        TracedChild child(cgroup_, command);
        collect(*source, child, into);
        EXPECT_EQ(child.status(), 0);
        return child.text();
    }
    std::string write_program(const std::string& name, const std::string& text) {
        const std::string path = ::testing::TempDir() + "/" + std::to_string(getpid()) + "-" + name;
        std::ofstream(path) << text;
        written_.push_back(path);
        return path;
    }
    // A Python program, its text from line 2 on. It begins when its Python frames are seen: how long the agent takes to read an
    // interpreter's files on a busy machine is no part of these tests. For collect(), or whoever asks is_waiting() and makes go().
    // `pause`: what it does meanwhile, over and over.
    std::string python_program(const std::string& name, const std::string& text, const std::string& pause = "pass") {
        made_to_wait(name);
        return write_program(name, "import os, time; exec(\"def wait_for_go(path):\\n while not os.path.exists(path): " + pause +
                                       "\\nwait_for_go('" + go_ + "')\")\n" + text);
    }
    // The file that a program is to wait for (wait_for_go.h).
    const std::string& made_to_wait(const std::string& name) {
        go_ = ::testing::TempDir() + "/" + std::to_string(getpid()) + "-" + name + ".go";
        unlink(go_.c_str());
        written_.push_back(go_);
        return go_;
    }
    [[nodiscard]] const std::string& go() const { return go_; }
    [[nodiscard]] static bool is_waiting(const Collected& into, const Event& event) {
        const auto* sample = std::get_if<StackSample>(&event.body);
        if (sample == nullptr || sample->truncated) return false;
        for (const FrameId f : into.batch.tables.stacks[sample->stack])
            if (into.name(f) == "wait_for_go") return true;
        return false;
    }
    void TearDown() override {
        for (const std::string& path : written_) unlink(path.c_str());
    }
    std::vector<std::string> written_;
    std::string go_;  // "": the program does not wait
    TestCgroup cgroup_;
};

}  // namespace autotune::symbols
