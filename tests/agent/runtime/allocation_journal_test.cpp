// Journals of allocations, honest ones, growing ones and others, as samples of memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "agent/runtime/allocation_journal.hpp"
#include "tests/agent/runtime/sums_file.hpp"

namespace autotune {
namespace {

using runtime::AllocationJournal;

constexpr std::uint64_t kBegan = 1'000'000'000;

class Journal : public test::SumsFile {
protected:
    void SetUp() override {
        header_.clock = AT_RING_MONOTONIC;
        header_.began_ticks = header_.began_ns = kBegan;
        header_.pid = 7;
        header_.told_keeps = 1;
        outer_ = entry(AT_ALLOCATIONS_ROOT, "outer", 3);
        inner_ = entry(outer_, "inner", 4);
    }
    std::uint32_t entry(std::uint32_t parent, const std::string& name, std::uint32_t line) {
        const at_ring_allocation made{.function = function(name), .parent = parent, .line = line, .bytes = 0, .blocks = 0, .held = 0, .unused = 0};
        put(AT_RING_BODIES_AT + entries_ * sizeof made, made);
        header_.allocations_used = entries_ + 1;
        return entries_++;
    }
    void record(std::uint64_t number, std::uint32_t place, std::uint64_t bytes, std::uint64_t at = 5) const {
        put(AT_RING_CHUNKS_AT + number % AT_RING_TOLD_RECORDS * sizeof(at_ring_told),
            at_ring_told{.begin = kBegan + at, .bytes = bytes, .place = place, .blocks = 1, .tid = 7, .unused = 0});
    }
    // {"outer:3;inner:4": bytes} of what is new.
    std::map<std::string, std::uint64_t> read(std::size_t most = 1000) {
        put(0, header_);
        if (!file_) {
            file_.emplace(adopted());
            journal_.emplace(file_->header(), runtime::RingOwner{.process = {77, 0}, .cgroup = CgroupId{5}, .inner_pid = 7}, symbolizer_);
        }
        batch_.events.clear();
        more_ = journal_->read(*file_, most, batch_);
        (void)file_->refresh();
        header_.told_read = file_->header().told_read;
        std::map<std::string, std::uint64_t> found;
        for (const Event& event : batch_.events) {
            const auto* sample = std::get_if<StackSample>(&event.body);
            if (sample == nullptr) continue;
            EXPECT_EQ(sample->of, SampleOf::memory);
            std::string stack = sample->truncated ? "(cut)" : "";
            const auto frames = batch_.tables.stacks[sample->stack];
            for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
                const Frame& f = batch_.tables.frames[*frame];
                stack += (stack.empty() ? "" : ";") + std::string(batch_.tables.strings[f.name]) +
                         (f.line != 0 ? ":" + std::to_string(f.line) : "");
            }
            found[stack] += sample->bytes;
        }
        return found;
    }
    std::uint64_t lost() const {
        std::uint64_t sum = 0;
        for (const Event& event : batch_.events)
            if (const auto* lost = std::get_if<Lost>(&event.body)) sum += lost->count;
        return sum;
    }

    std::uint32_t entries_ = AT_ALLOCATIONS_FIRST, outer_ = 0, inner_ = 0;
    symbols::Symbolizer symbolizer_{{.proc = "/nonexistent"}};
    std::optional<runtime::RingFile> file_;
    std::optional<AllocationJournal> journal_;
    EventBatch batch_;
    bool more_ = false;
};

using Told = std::map<std::string, std::uint64_t>;

TEST_F(Journal, RecordsAreSamplesOfMemoryAtTheirTime) {
    record(0, inner_, 100, 500);
    header_.told_used = header_.told_open = 1;
    EXPECT_EQ(read(), (Told{{"outer:3;inner:4", 100}}));
    ASSERT_EQ(batch_.events.size(), 1u);
    const Event& event = batch_.events[0];
    EXPECT_EQ(event.at, from_ns(kBegan + 500));
    EXPECT_EQ(event.process.pid, 77);
    EXPECT_EQ(event.thread, ThreadId{77});  // the main thread, by whatever number it calls itself
    EXPECT_EQ(event.cgroup, CgroupId{5});
    EXPECT_EQ(event.by, Backend::runtime);
    EXPECT_EQ(header_.told_read, 1u);
    EXPECT_EQ(read(), Told());
}

TEST_F(Journal, WhatGrowsIsToldOnceByteByByte) {
    record(0, outer_, 1);
    record(1, inner_, 10);
    header_.told_used = 2;
    header_.told_open = 1;
    EXPECT_EQ(read(), (Told{{"outer:3", 1}, {"outer:3;inner:4", 10}}));
    EXPECT_EQ(header_.told_read, 1u);
    EXPECT_EQ(read(), Told());
    record(1, inner_, 25);
    record(2, outer_, 2);
    header_.told_used = 3;
    EXPECT_EQ(read(), (Told{{"outer:3", 2}, {"outer:3;inner:4", 15}}));
    record(1, inner_, 26);
    header_.told_open = 3;
    EXPECT_EQ(read(), (Told{{"outer:3;inner:4", 1}}));
    EXPECT_EQ(header_.told_read, 3u);
    EXPECT_EQ(journal_->counts().bytes, 29u);
}

TEST_F(Journal, NoMoreThanIsAskedForAndTheRestNextTime) {
    for (std::uint64_t i = 0; i < 2000; ++i) record(i, outer_, 1);
    header_.told_used = header_.told_open = 2000;
    EXPECT_EQ(read(1500), (Told{{"outer:3", 1500}}));
    EXPECT_TRUE(more_);
    EXPECT_EQ(read(1500), (Told{{"outer:3", 500}}));
    EXPECT_FALSE(more_);
}

TEST_F(Journal, ItGoesRound) {
    header_.told_used = header_.told_open = AT_RING_TOLD_RECORDS - 10;
    (void)read(AT_RING_TOLD_RECORDS);
    for (std::uint64_t i = 0; i < 30; ++i) record(header_.told_used + i, outer_, 1);
    header_.told_used = header_.told_open = header_.told_used + 30;
    EXPECT_EQ(read(), (Told{{"outer:3", 30}}));
}

TEST_F(Journal, StacksWithoutAllTheirPlaces) {
    const auto deep = entry(AT_ALLOCATIONS_CUT, "deep", 9);
    record(0, AT_ALLOCATIONS_ROOT, 1);
    record(1, AT_ALLOCATIONS_NO_ROOM, 2);
    record(2, deep, 4);
    header_.told_used = header_.told_open = 3;
    EXPECT_EQ(read(), (Told{{"[no Python code]", 1}, {"[lost: no room for more stacks]", 2}, {"(cut);deep:9", 4}}));
}

TEST_F(Journal, WhatFoundNoRoomIsTold) {
    header_.told_lost = 3;
    header_.told_lost_bytes = 300;
    (void)read();
    EXPECT_EQ(lost(), 3u);
    (void)read();
    EXPECT_EQ(lost(), 0u);
    EXPECT_EQ(journal_->counts().lost_bytes, 300u);
}

TEST_F(Journal, PlacesThatCannotBeAreCounted) {
    const auto itself = entry(0, "itself", 1);
    put(AT_RING_BODIES_AT + itself * sizeof(at_ring_allocation) + offsetof(at_ring_allocation, parent), itself);
    const auto below = entry(itself, "below", 1);
    record(0, itself, 1);
    record(1, below, 1);
    record(2, AT_RING_ALLOCATION_ENTRIES + 5u, 1);
    record(3, 0xffffffffu, 1);
    record(4, inner_, ~0ull);
    record(5, inner_, 1);
    header_.told_used = header_.told_open = 6;
    EXPECT_EQ(read(), (Told{{"outer:3;inner:4", 1}}));
    EXPECT_EQ(journal_->counts().damaged, 5u);
}

TEST_F(Journal, AStackThatIsDeeperThanAnyIsNone) {
    std::uint32_t parent = outer_;
    for (int i = 0; i < 600; ++i) parent = entry(parent, "f", 1);
    record(0, parent, 1);
    header_.told_used = header_.told_open = 1;
    EXPECT_EQ(read(), Told());
    EXPECT_EQ(journal_->counts().damaged, 1u);
}

TEST_F(Journal, CountsThatCannotBeEnd) {
    record(0, outer_, 1);
    header_.told_used = ~0ull;
    header_.told_open = ~0ull / 2;
    (void)read(AT_RING_TOLD_RECORDS);
    EXPECT_LE(batch_.events.size(), std::size_t{AT_RING_TOLD_RECORDS});
    EXPECT_GT(journal_->counts().damaged, 0u);
    header_.told_used = 5;  // it goes back
    EXPECT_EQ(read(), Told());
    header_.told_open = 3;
    EXPECT_EQ(read(), Told());
}

TEST_F(Journal, TimesThatCannotBeAreNotLaterThanNow) {
    record(0, outer_, 1, ~0ull / 2);
    record(1, outer_, 1, ~0ull - kBegan);
    header_.told_used = header_.told_open = 2;
    (void)read();
    const SystemClock clock;
    for (const Event& event : batch_.events) EXPECT_LE(event.at, clock.now());
}

TEST_F(Journal, AShortFileEnds) {
    record(0, outer_, 1);
    header_.told_used = header_.told_open = 2000;
    put(0, header_);
    auto file = runtime::RingFile::adopt(Fd(dup(fd_.get())));
    ASSERT_TRUE(file.has_value());
    AllocationJournal journal(file->header(), {.process = {77, 0}}, symbolizer_);
    ASSERT_EQ(ftruncate(fd_.get(), static_cast<off_t>(AT_RING_CHUNKS_AT + sizeof(at_ring_told) * 3)), 0);
    EXPECT_FALSE(journal.read(*file, 5000, batch_));
    EXPECT_EQ(journal.counts().damaged, 1u);
}

}  // namespace
}  // namespace autotune
