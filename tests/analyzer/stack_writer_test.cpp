#include "analyzer/stack_writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>

namespace autotune {
namespace {

// Own weight of each stack, root first.
std::map<std::string, std::uint64_t> stacks_of(const Profile& profile) {
    std::map<std::string, std::uint64_t> all;
    for (std::size_t i = 1; i < profile.nodes.size(); ++i) {
        if (profile.nodes[i].self == 0) continue;
        std::string stack;
        for (std::uint32_t n = static_cast<std::uint32_t>(i); n != 0; n = profile.nodes[n].parent)
            stack = profile.frames[profile.nodes[n].frame].name + (stack.empty() ? "" : ";" + stack);
        all[stack] += profile.nodes[i].self;
    }
    return all;
}

TEST(StackWriter, AddsUpWhatComesAgainAndKeepsItsTwoEndsApart) {
    Tables tables;
    const auto frame = [&](const char* name) { return tables.frames.intern({.name = tables.strings.intern(name)}); };
    const StackId work = tables.stacks.intern(std::array{frame("work"), frame("main")});
    StackWriter writer(tables);
    writer.add(work, 1, StackEnd::thread_start);
    writer.add(work, 2, StackEnd::cut);
    const StackId later = tables.stacks.intern(std::array{frame("later"), frame("main")});  // the table grows meanwhile
    writer.add(later, 4, StackEnd::thread_start);
    writer.add(work, 8, StackEnd::thread_start);
    writer.add(work, 16, StackEnd::cut);
    writer.add(StackId{}, 32, StackEnd::thread_start);
    const Profile profile = std::move(writer).take("all");
    EXPECT_EQ(profile.truncated, 18u);
    EXPECT_EQ(stacks_of(profile), (std::map<std::string, std::uint64_t>{
                                      {"main;work", 9}, {"[truncated];main;work", 18}, {"main;later", 4}, {"[unknown]", 32}}));
}

}  // namespace
}  // namespace autotune
