#include "exporters/render/stack_batch.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "exporters/render/folded.hpp"
#include "exporters/render/folded_reader.hpp"

namespace autotune::render {
namespace {

using Stack = std::vector<std::uint32_t>;

std::string text_of(ProfileBuilder&& builder) { return folded(std::move(builder).build("", ProfileUnit::count)); }

// The same stacks one by one, and sorted in so many lots.
void expect_same(std::uint32_t frames, const std::vector<Stack>& stacks, std::size_t lots) {
    ProfileBuilder one_by_one, sorted;
    for (ProfileBuilder* builder : {&one_by_one, &sorted})
        for (std::uint32_t f = 0; f < frames; ++f) builder->frame("f" + std::to_string(f));
    StackBatch batch;
    MemoryAhead ahead;
    for (std::size_t i = 0; i < stacks.size(); ++i) {
        one_by_one.add_stack(stacks[i], i + 1);
        batch.add(stacks[i], i + 1);
        if ((i + 1) % (stacks.size() / lots) == 0) batch.put(sorted, ahead);
    }
    batch.put(sorted, ahead);
    EXPECT_TRUE(batch.empty());
    EXPECT_EQ(sorted.nodes(), one_by_one.nodes());
    EXPECT_EQ(text_of(std::move(sorted)), text_of(std::move(one_by_one)));
}

TEST(StackBatch, MakesTheTreeThatStacksOneByOneMake) {
    std::mt19937 random(7);
    // 1 to 21 frames share a key of 64 bits, so stacks end before, at and behind where keys do.
    for (const std::uint32_t frames : {1U, 2U, 7U, 300U, 70'000U}) {
        std::vector<Stack> stacks;
        for (int i = 0; i < 2000; ++i) {
            Stack stack = i > 0 && random() % 2 == 0 ? stacks[random() % stacks.size()] : Stack();  // much is alike
            stack.resize(random() % (stack.size() + 1));
            for (std::uint32_t more = random() % 40; more > 0; --more) stack.push_back(random() % std::min(frames, 5U) * (frames / 5 + 1) % frames);
            stacks.push_back(std::move(stack));
        }
        expect_same(frames, stacks, 1);
        expect_same(frames, stacks, 3);
    }
}

TEST(StackBatch, TakesPrefixesAndEqualStacks) {
    expect_same(3, {{0, 1, 2}, {0, 1}, {0}, {}, {0, 1, 2}, {2}, {}, {0, 1}}, 2);
}

TEST(StackBatch, OfNothingIsNothing) {
    ProfileBuilder builder;
    StackBatch batch;
    MemoryAhead ahead;
    batch.put(builder, ahead);
    batch.add({}, 5);
    batch.put(builder, ahead);
    EXPECT_EQ(builder.nodes(), 1U);
}

TEST(Folded, OfNoStackIsAnEmptyProfile) {
    for (const char* text : {"", "\n\n", " 5\n"}) {
        const auto profile = read_folded(text, "", ProfileUnit::count);
        ASSERT_TRUE(profile) << text;
        EXPECT_TRUE(profile->frames.empty());
    }
}

}  // namespace
}  // namespace autotune::render
