// The journal of allocations as it is written in a program, read by the agent's reader meanwhile.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <thread>

#include "agent/runtime/allocation_journal.hpp"
extern "C" {
#include "runtimes/python/allocation_journal.h"
}

namespace autotune {
namespace {

class WrittenJournal : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(at_ring_make_in(&ring_, "", AT_RING_ALLOCATIONS, 0), 0);
        ASSERT_EQ(at_ring_allocate(&ring_, AT_RING_BODIES_AT, 4096), 0);
        ASSERT_TRUE(at_journal_make(&journal_, &ring_));
        at_ring_header_of(&ring_)->allocations_used = AT_ALLOCATIONS_FIRST + 2;
        at_ring_publish(&ring_);
        auto file = runtime::RingFile::adopt(Fd(dup(at_ring_fd(&ring_))));
        ASSERT_TRUE(file.has_value());
        file_.emplace(*std::move(file));
        reader_.emplace(file_->header(), runtime::RingOwner{.process = {getpid(), 0}}, symbolizer_);
    }
    void TearDown() override {
        at_journal_forget(&journal_);
        munmap(ring_.base, AT_RING_BODIES_AT);
        close(ring_.fd);
    }
    std::uint64_t records() { return at_ring_header_of(&ring_)->told_used; }
    void pause() {
        for (const std::uint64_t begin = at_monotonic_ns(); at_monotonic_ns() - begin < 5'000 * AT_MOMENT_PAUSE_US;) {
        }
    }

    at_ring ring_{};
    at_journal journal_{};
    symbols::Symbolizer symbolizer_{{.proc = "/nonexistent"}};
    std::optional<runtime::RingFile> file_;
    std::optional<runtime::AllocationJournal> reader_;
    EventBatch batch_;
};

TEST_F(WrittenJournal, APauseBeginsAnotherMoment) {
    at_journal_add(&journal_, AT_ALLOCATIONS_FIRST, 5);
    const auto first = records();
    EXPECT_EQ(first, 1u);
    pause();
    at_journal_add(&journal_, AT_ALLOCATIONS_FIRST, 7);
    EXPECT_EQ(records(), 2u);
    reader_->read(*file_, 1000, batch_);
    ASSERT_EQ(batch_.events.size(), 2u);
    EXPECT_EQ(std::get<StackSample>(batch_.events[0].body).bytes, 5u);
    EXPECT_EQ(std::get<StackSample>(batch_.events[1].body).bytes, 7u);
    EXPECT_GE(batch_.events[1].at - batch_.events[0].at, Nanos(4'000 * AT_MOMENT_PAUSE_US));
}

TEST_F(WrittenJournal, AnotherThreadBeginsAnotherMoment) {
    at_journal_add(&journal_, AT_ALLOCATIONS_FIRST, 5);
    std::thread([&] { at_journal_add(&journal_, AT_ALLOCATIONS_FIRST, 7); }).join();
    reader_->read(*file_, 1000, batch_);
    ASSERT_EQ(batch_.events.size(), 2u);
    EXPECT_NE(batch_.events[0].thread, batch_.events[1].thread);
}

// Some ten thousand a moment: far fewer records than allocations, and a moment does not last.
TEST_F(WrittenJournal, WhatFollowsAtOnceIsOneRecordForAMoment) {
    constexpr std::uint64_t kTimes = 2'000'000;
    for (std::uint64_t i = 0; i < kTimes; ++i) at_journal_add(&journal_, AT_ALLOCATIONS_FIRST + (i & 1), 1);
    EXPECT_LT(records(), kTimes / 100);
    EXPECT_GT(records(), 2u);
}

TEST_F(WrittenJournal, EachByteIsToldOnceWhoeverLooksWhen) {
    constexpr std::uint64_t kTimes = 3'000'000;
    std::atomic<bool> done = false;
    std::thread writer([&] {
        for (std::uint64_t i = 0; i < kTimes; ++i) {
            if (i % 1000 == 0) pause();
            at_journal_add(&journal_, AT_ALLOCATIONS_FIRST + i % 2, 1 + i % 3);
        }
        done = true;
    });
    std::uint64_t told = 0, lost = 0;
    for (bool last = false; !last;) {
        last = done;
        reader_->read(*file_, AT_RING_TOLD_RECORDS, batch_);
        for (const Event& event : batch_.events) {
            if (const auto* sample = std::get_if<StackSample>(&event.body)) told += sample->bytes;
            if (const auto* gone = std::get_if<Lost>(&event.body)) lost += gone->count;
        }
        batch_.events.clear();
    }
    writer.join();
    EXPECT_EQ(lost, 0u);
    EXPECT_EQ(told, kTimes * 2);
    EXPECT_EQ(reader_->counts().damaged, 0u);
}

TEST_F(WrittenJournal, WithoutAReaderWhatIsTooMuchIsCounted) {
    for (std::uint64_t i = 0; i < AT_RING_TOLD_RECORDS + 10; ++i) {
        journal_.seen = 0;  // as if time had passed
        at_journal_add(&journal_, AT_ALLOCATIONS_FIRST, 3);
    }
    EXPECT_EQ(records(), std::uint64_t{AT_RING_TOLD_RECORDS});
    reader_->read(*file_, AT_RING_TOLD_RECORDS, batch_);
    EXPECT_EQ(reader_->counts().lost, 10u);
    EXPECT_EQ(reader_->counts().lost_bytes, 30u);
    EXPECT_EQ(reader_->counts().bytes, 3u * AT_RING_TOLD_RECORDS);
}

}  // namespace
}  // namespace autotune
