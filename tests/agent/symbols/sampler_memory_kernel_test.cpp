// Memory by stack, against what a program knows of itself.
#include <filesystem>

#include "tests/agent/symbols/sampler_on_kernel.hpp"

namespace autotune::symbols {
namespace {

constexpr double kMega = 1 << 20;

class SamplerMemory : public SamplerOnKernel {
protected:
    // Bytes by function that a stack holds.
    std::map<std::string, double> run(SamplerMode mode) {
        const auto source = started({.mode = mode});
        std::map<std::string, double> bytes;
        if (source == nullptr) return bytes;
        const std::string go = ::testing::TempDir() + "/" + std::to_string(getpid()) + "-go", file = go + "-file";
        TracedChild child(cgroup_, {AUTOTUNE_GROWING_PROGRAM, go, file});
        EventBatch batch;
        bool whole_in_wait = false;
        for (bool ended = false; !ended;) {
            ended = child.ended();
            EXPECT_TRUE(source->poll(std::chrono::milliseconds(10), batch));
            for (const Event& event : batch.events) {
                EXPECT_FALSE(std::holds_alternative<Lost>(event.body));
                const auto* sample = std::get_if<StackSample>(&event.body);
                if (sample == nullptr) continue;
                EXPECT_EQ(sample->of, SampleOf::memory);
                std::set<std::string> names;
                for (const FrameId f : batch.tables.stacks[sample->stack])
                    names.emplace(batch.tables.strings[batch.tables.frames[f].name]);
                whole_in_wait |= !sample->truncated && names.contains("wait_for_go");
                for (const auto& name : names) bytes[name] += static_cast<double>(sample->bytes);
            }
            batch.events.clear();
            // Its first stacks are walked before anybody has read its files.
            if (whole_in_wait) std::ofstream(go).flush();
        }
        std::filesystem::remove(go);
        std::filesystem::remove(file);
        EXPECT_EQ(child.status(), 0);
        std::istringstream lines(child.text());
        std::string function;
        double grown = 0;
        while (lines >> function >> grown) grown_[function] = grown;
        return bytes;
    }
    std::map<std::string, double> grown_;
};

TEST_F(SamplerMemory, IsWhatTheProcessGrewByInEachFunction) {
    auto bytes = run(SamplerMode::memory);
    ASSERT_EQ(grown_.size(), 8u);
    for (const auto& [function, grown] : grown_)
        EXPECT_NEAR(bytes[function], grown, 0.01 * grown + 0.1 * kMega) << function;
    EXPECT_GT(bytes["touch_each_page"], 23 * kMega);  // the program tells no nonsense
    EXPECT_LT(bytes["read_a_file"] + bytes["write_a_file"], 0.2 * kMega);  // nor only_read, where one page of zeros serves all
}

TEST_F(SamplerMemory, GrowthIsWhatWasAskedFor) {
    auto bytes = run(SamplerMode::growth);
    const std::map<std::string, double> asked{{"touch_each_page", 24}, {"touch_huge_pages", 16}, {"only_read", 8},
                                              {"grow_the_heap", 4},    {"read_a_file", 0},       {"map_at_once", 8}};
    for (const auto& [function, mega] : asked) EXPECT_EQ(bytes[function], mega * kMega) << function;
}

}  // namespace
}  // namespace autotune::symbols
