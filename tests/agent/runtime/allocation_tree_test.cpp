// Files of sums, honest ones and others, as trees.
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "agent/runtime/allocation_tree.hpp"
#include "tests/agent/runtime/sums_file.hpp"

namespace autotune {
namespace {

using runtime::AllocationTree;
using runtime::AllocationView;

class AllocationFile : public test::SumsFile {
protected:
    void SetUp() override { entries_.resize(AT_ALLOCATIONS_FIRST); }
    std::uint32_t entry(std::uint32_t parent, const std::string& name, std::uint32_t line, std::uint64_t bytes, std::uint64_t held) {
        entries_.push_back({.function = function(name, "app.py"), .parent = parent, .line = line, .bytes = bytes, .blocks = 1, .held = held, .unused = 0});
        return static_cast<std::uint32_t>(entries_.size() - 1);
    }
    // {"outer:3;inner:4": bytes}
    std::map<std::string, std::uint64_t> read(AllocationView view) {
        header_.allocations_used = used_ != 0 ? used_ : entries_.size();
        put(0, header_);
        put(AT_RING_BODIES_AT, entries_.data(), entries_.size() * sizeof entries_[0]);
        const runtime::RingFile file = adopted();
        AllocationTree tree(view);
        for (int i = 0; i < processes_; ++i) tree.add(file);
        counts_ = tree.counts();
        profile_ = std::move(tree).take("title");
        std::map<std::string, std::uint64_t> found;
        for (std::size_t i = 1; i < profile_.nodes.size(); ++i) {
            std::string stack;
            for (std::size_t at = i; at != 0; at = profile_.nodes[at].parent) {
                const ProfileFrame& f = profile_.frames[profile_.nodes[at].frame];
                stack = f.name + (f.line != 0 ? ":" + std::to_string(f.line) : "") + (stack.empty() ? "" : ";") + stack;
            }
            if (profile_.nodes[i].self > 0) found[stack] += profile_.nodes[i].self;
        }
        return found;
    }

    std::vector<at_ring_allocation> entries_;
    std::uint64_t used_ = 0;
    int processes_ = 1;
    runtime::AllocationCounts counts_;
    Profile profile_;
};

using Told = std::map<std::string, std::uint64_t>;

TEST_F(AllocationFile, StacksWithLinesInBothViews) {
    const auto outer = entry(AT_ALLOCATIONS_ROOT, "outer", 3, 0, 0);
    entry(outer, "inner", 4, 100, 60);
    entry(outer, "inner", 5, 7, 0);
    EXPECT_EQ(read(AllocationView::handed_out), (Told{{"outer:3;inner:4", 100}, {"outer:3;inner:5", 7}}));
    EXPECT_EQ(profile_.unit, ProfileUnit::bytes);
    EXPECT_EQ(profile_.measure, "alloc_space");
    EXPECT_EQ(counts_.blocks, 3u);
    EXPECT_EQ(read(AllocationView::held), (Told{{"outer:3;inner:4", 60}}));
    EXPECT_EQ(profile_.measure, "inuse_space");
}

TEST_F(AllocationFile, ProcessesAddUp) {
    entry(AT_ALLOCATIONS_ROOT, "f", 3, 100, 0);
    processes_ = 3;
    EXPECT_EQ(read(AllocationView::handed_out), (Told{{"f:3", 300}}));
}

TEST_F(AllocationFile, WhatHasNoWholeStackIsShownAndCounted) {
    entry(AT_ALLOCATIONS_CUT, "deep", 9, 50, 0);
    entries_[AT_ALLOCATIONS_ROOT].bytes = 1;
    entries_[AT_ALLOCATIONS_WITHOUT_GIL].bytes = 2;
    entries_[AT_ALLOCATIONS_NO_ROOM].bytes = 4;
    header_.blocks_lost = 8;
    header_.names_lost = 16;
    EXPECT_EQ(read(AllocationView::handed_out), (Told{{"[truncated];deep:9", 50},
                                                      {"[no Python code]", 1},
                                                      {"[without the GIL, or in a subinterpreter]", 2},
                                                      {"[lost: no room for more stacks]", 4}}));
    EXPECT_EQ(profile_.truncated, 50u);
    EXPECT_EQ(counts_.without_gil, 2u);
    EXPECT_EQ(counts_.no_room, 4u);
    EXPECT_EQ(counts_.blocks_lost, 8u);
    EXPECT_EQ(counts_.names_lost, 16u);
}

TEST_F(AllocationFile, WhatCannotBeIsLeftOutAndCounted) {
    const auto itself = entry(0, "itself", 1, 10, 0);
    entries_[itself].parent = itself;
    const auto later = entry(0, "later", 2, 10, 0);
    entries_[later].parent = later + 1000;
    const auto below_lost = entry(AT_ALLOCATIONS_NO_ROOM, "below", 3, 10, 0);
    entry(0, "too much", 4, ~0ull, 0);
    entry(0, "right", 5, 10, 0);
    EXPECT_EQ(read(AllocationView::handed_out), (Told{{"right:5", 10}}));
    EXPECT_EQ(counts_.damaged, 4u);
    EXPECT_GT(below_lost, later);
}

TEST_F(AllocationFile, NamesThatAreNotThereAreUnknown) {
    const auto at = entry(0, "f", 3, 10, 0);
    entries_[at].function = AT_RING_NAMED | 123456;
    EXPECT_EQ(read(AllocationView::handed_out), (Told{{"[unknown]:3", 10}}));
}

TEST_F(AllocationFile, ACountBeyondTheFileEnds) {
    entry(0, "f", 3, 10, 0);
    used_ = ~0ull;
    EXPECT_EQ(read(AllocationView::handed_out), (Told{{"f:3", 10}}));  // the rest is zeros
}

TEST_F(AllocationFile, AShortFileGivesWhatItHas) {
    for (int i = 0; i < 1500; ++i) entry(0, "f", 3, 1, 0);
    (void)read(AllocationView::handed_out);
    ASSERT_EQ(ftruncate(fd_.get(), static_cast<off_t>(AT_RING_BODIES_AT + 1024 * sizeof(at_ring_allocation) + 5)), 0);
    auto file = runtime::RingFile::adopt(Fd(dup(fd_.get())));
    ASSERT_TRUE(file.has_value());
    AllocationTree tree(AllocationView::handed_out);
    tree.add(*file);
    EXPECT_EQ(std::move(tree).take("").total(), 1024u - AT_ALLOCATIONS_FIRST);
}

}  // namespace
}  // namespace autotune
