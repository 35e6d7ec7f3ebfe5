// The ring's writer, used as a library of probes uses it; what it wrote is looked at in the memory itself.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "runtimes/ring_process.h"

extern "C" unsigned long ring_bytes_in_c();

namespace {

namespace fs = std::filesystem;

constexpr __u64 kOuter = 0x1000, kInner = 0x2000;

class Ring : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        char pattern[] = "/tmp/autotune-ring-test-XXXXXX";
        folder_ = mkdtemp(pattern);
        ASSERT_EQ(at_ring_start(folder_.c_str(), AT_RING_NATIVE), 0);
        at_ring_open();
    }
    static void TearDownTestSuite() { fs::remove_all(folder_); }

    // Each test is a thread with a slot of its own; what was told before is read and given back.
    void SetUp() override {
        header().mode = AT_RING_RECORDS;
        for (int i = 0; i < AT_RING_CHUNKS; ++i) at_ring_owners_of(at_ring_process)[i] = {0, 0};
        if (at_ring_current->slot != nullptr) {
            at_ring_thread_ended(at_ring_current);
            for (__u32 i = 0; i < header().slots_used; ++i)
                at_ring_slots_of(at_ring_process)[i].state = AT_RING_SLOT_FREE;
        }
        thread_ = at_ring_self();
        ASSERT_NE(thread_, nullptr);
    }

    static at_ring_header& header() { return *at_ring_header_of(at_ring_process); }
    at_ring_slot& slot() { return *thread_->slot; }
    const at_ring_record& record(__u64 n) { return thread_->chunk[n % AT_RING_CHUNK_RECORDS]; }
    void enter(__u64 function, __u64 frame = 0) { at_ring_enter(thread_, function, frame); }
    void leave(__u64 function) { at_ring_leave(thread_, function, AT_RING_RETURNED); }
    const at_ring_edge& edge(__u64 caller, __u64 function) {
        static const at_ring_edge none{};
        for (__u32 i = 1; i < slot().edges; ++i)
            if (thread_->edges[i].caller == caller && thread_->edges[i].function == function)
                return thread_->edges[i];
        return none;
    }

    static std::string folder_;
    at_thread* thread_ = nullptr;
};
std::string Ring::folder_;

TEST_F(Ring, ACallBecomesARecordAndATotal) {
    enter(kOuter);
    enter(kInner);
    leave(kInner);
    leave(kOuter);

    ASSERT_EQ(slot().records, 2u);
    const at_ring_record& inner = record(0);
    const at_ring_record& outer = record(1);
    EXPECT_EQ(thread_->edges[inner.edge].function, kInner);
    EXPECT_EQ(thread_->edges[inner.edge].caller, kOuter);
    EXPECT_EQ(inner.depth_how, 1u << 2 | AT_RING_RETURNED);
    EXPECT_EQ(outer.depth_how, 0u << 2 | AT_RING_RETURNED);
    EXPECT_EQ(outer.below, 1u);
    EXPECT_LE(outer.begin, inner.begin);
    EXPECT_LE(inner.end, outer.end);
    EXPECT_EQ(edge(0, kOuter).total, outer.end - outer.begin);
    EXPECT_EQ(edge(0, kOuter).self + edge(kOuter, kInner).total, edge(0, kOuter).total);
    EXPECT_EQ(edge(0, kOuter).children, 1u);
}

TEST_F(Ring, ARecursiveCallsTimeCountsInItsOutermost) {
    for (int i = 0; i < 5; ++i) enter(kOuter);
    for (int i = 0; i < 5; ++i) leave(kOuter);
    EXPECT_EQ(edge(0, kOuter).calls, 1u);
    EXPECT_EQ(edge(kOuter, kOuter).calls, 4u);
    EXPECT_EQ(edge(kOuter, kOuter).outer, 0u);
    EXPECT_EQ(edge(kOuter, kOuter).total, 0u);
    EXPECT_EQ(edge(0, kOuter).self + edge(kOuter, kOuter).self, edge(0, kOuter).total);
    EXPECT_EQ(edge(0, kOuter).below, 4u);
}

TEST_F(Ring, WithoutAReaderRecordsAreLostAndCountedAndTotalsStayExact) {
    constexpr __u64 kFits = AT_RING_CHUNKS * AT_RING_CHUNK_RECORDS;
    for (__u64 i = 0; i < kFits + 1000; ++i) {
        enter(kOuter);
        leave(kOuter);
    }
    EXPECT_EQ(slot().records, kFits);
    EXPECT_EQ(slot().lost, 1000u);
    EXPECT_EQ(edge(0, kOuter).calls, kFits + 1000);

    at_ring_owners_of(at_ring_process)[7].slot = 0;  // the agent has read one
    for (int i = 0; i < 600; ++i) {
        enter(kOuter);
        leave(kOuter);
    }
    EXPECT_GE(slot().records, kFits + 300) << "records go on when there is room";
    EXPECT_EQ(slot().records + slot().lost, kFits + 1600);
    EXPECT_EQ(at_ring_owners_of(at_ring_process)[AT_RING_CHUNKS - 1].next, 8u);
}

TEST_F(Ring, AnyNumberOfFunctionsHasItsTotals) {
    for (__u64 f = 1; f <= 20'000; ++f) {
        enter(f * 16);
        leave(f * 16);
    }
    EXPECT_EQ(slot().edges, 20'001u);
    EXPECT_EQ(edge(0, 16 * 20'000).calls, 1u);
    EXPECT_EQ(slot().unpaired, 0u);
}

TEST_F(Ring, CallsDeeperThanTheStackAreCountedAndPaired) {
    constexpr __u64 kTooDeep = AT_RING_STACK + 10;
    for (__u64 i = 0; i < kTooDeep; ++i) enter(kOuter);
    for (__u64 i = 0; i < kTooDeep; ++i) leave(kOuter);
    EXPECT_EQ(slot().depth, 0u);
    EXPECT_EQ(slot().calls + slot().unpaired, kTooDeep);
    EXPECT_EQ(slot().unpaired, 11u);
}

TEST_F(Ring, OffPairsWithoutTellingAndCanComeAndGoAtAnyTime) {
    enter(kOuter);
    header().mode = AT_RING_OFF;
    enter(kInner);
    leave(kInner);
    header().mode = AT_RING_TOTALS;
    enter(kInner);
    leave(kInner);
    leave(kOuter);
    EXPECT_EQ(slot().records, 0u);
    EXPECT_EQ(edge(kOuter, kInner).calls, 1u);
    EXPECT_EQ(edge(0, kOuter).calls, 1u);
    EXPECT_EQ(slot().depth, 0u);
}

TEST_F(Ring, FramesThatWereJumpedOverAreCut) {
    enter(kOuter, 9000);
    enter(kInner, 8000);
    enter(kInner, 7000);
    at_ring_cut(thread_, 8500);
    EXPECT_EQ(slot().depth, 1u);
    EXPECT_EQ(record(0).depth_how & 3, static_cast<__u32>(AT_RING_CUT));
    leave(kOuter);
    EXPECT_EQ(record(2).depth_how, 0u);
}

TEST_F(Ring, WhatIsAboveACallThatLeavesIsCut) {
    enter(kOuter);
    enter(kInner);
    leave(kOuter);
    leave(kInner);  // never entered, as far as anybody knows
    EXPECT_EQ(slot().depth, 0u);
    ASSERT_EQ(slot().records, 2u);
    EXPECT_EQ(record(0).depth_how & 3, static_cast<__u32>(AT_RING_CUT));
}

TEST_F(Ring, CallsThatAnExceptionLeavesAreRaisedAndTheCatchersNot) {
    enter(kOuter);
    enter(kInner);
    at_ring_raise(thread_);
    leave(kInner);
    enter(0x3000);  // a destructor
    leave(0x3000);
    at_ring_caught(thread_);
    leave(kOuter);
    EXPECT_EQ(record(0).depth_how & 3, static_cast<__u32>(AT_RING_RAISED));
    EXPECT_EQ(record(1).depth_how & 3, static_cast<__u32>(AT_RING_RETURNED));
    EXPECT_EQ(record(2).depth_how & 3, static_cast<__u32>(AT_RING_RETURNED));
}

TEST_F(Ring, ACallOfASignalsHandlerThatMeetsAProbeIsCountedNotTold) {
    thread_->busy = 1;
    enter(kInner);
    leave(kInner);
    thread_->busy = 0;
    EXPECT_EQ(slot().unpaired, 1u);
    EXPECT_EQ(slot().depth, 0u);
    EXPECT_EQ(slot().records, 0u);
}

TEST_F(Ring, AThreadThatEndsGivesItsSlotAndCutsItsCalls) {
    at_thread* of_thread = nullptr;
    at_ring_slot* given = nullptr;
    std::thread([&] {
        of_thread = at_ring_self();
        given = of_thread->slot;
        at_ring_enter(of_thread, kOuter, 0);
    }).join();
    ASSERT_NE(given, nullptr);
    EXPECT_EQ(given->state, static_cast<__u32>(AT_RING_SLOT_DONE));
    EXPECT_EQ(given->depth, 0u);
    EXPECT_EQ(given->calls, 1u);
    given->state = AT_RING_SLOT_FREE;
    std::thread([&] { EXPECT_EQ(at_ring_self()->slot, given) << "a drained slot is used again"; }).join();
    given->state = AT_RING_SLOT_FREE;
}

TEST_F(Ring, AForkedChildMakesAFileOfItsOwnAndLeavesItsParentsAlone) {
    enter(kOuter);
    const pid_t child = fork();
    if (child == 0) {
        at_thread* own = at_ring_self_or_null();
        if (own != nullptr) _exit(1);
        own = at_ring_self();
        if (own == nullptr || own == thread_) _exit(2);
        at_ring_enter(own, kInner, 0);
        at_ring_leave(own, kInner, AT_RING_RETURNED);
        at_ring_leave(own, kOuter, AT_RING_RETURNED);  // entered by the parent
        _exit(header().forked_from == getppid() && own->slot->calls == 1 ? 0 : 3);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(slot().calls, 0u);
    EXPECT_EQ(slot().depth, 1u);
    int files = 0;
    for (const auto& file : fs::directory_iterator(folder_))
        files += file.path().filename().string().starts_with(std::to_string(child) + "-") ? 1 : 0;
    EXPECT_EQ(files, 1);
    leave(kOuter);
}

TEST_F(Ring, NamesAreAppendedAndCutWhereTheyAreTooLong) {
    const std::string endless(10'000, 'x');
    const __u64 first = at_ring_name_function(at_ring_process, "handler", 7, "app.py", 6, 42);
    const __u64 second = at_ring_name_function(at_ring_process, endless.data(), endless.size(),
                                               endless.data(), endless.size(), 1);
    ASSERT_NE(first & AT_RING_NAMED, 0u);
    const auto* name = reinterpret_cast<const at_ring_name*>(at_ring_process->base + AT_RING_NAMES_AT +
                                                             (first & ~AT_RING_NAMED));
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(name + 1), 13), "handlerapp.py");
    EXPECT_EQ(name->line, 42u);
    EXPECT_EQ(second - first, name->size);
    EXPECT_EQ(header().names_lost, 0u);
}

TEST_F(Ring, ADescriptorThatTheProgramClosedIsOpenedAgain) {
    close(at_ring_process->fd);
    std::thread([] { EXPECT_NE(at_ring_self(), nullptr); }).join();
    EXPECT_TRUE(at_ring_fd(at_ring_process) >= 0);
}

TEST(RingFormat, IsTheSameInC) { EXPECT_EQ(ring_bytes_in_c(), AT_RING_BYTES); }

void pairs(__u32 n, int probed) {
    for (__u32 i = 0; i < n; ++i) {
        AT_BARRIER();
        if (probed == 0) continue;
        at_ring_enter(at_ring_self(), kOuter, 0);
        at_ring_leave(at_ring_self_or_null(), kOuter, AT_RING_RETURNED);
    }
}

TEST_F(Ring, KnowsWhatItsProbesCost) {
    at_ring_calibrate(pairs);
    at_ring_current = thread_;
    EXPECT_GT(header().bias_inside, 0u);
    EXPECT_GT(header().bias_around, header().bias_inside);
}

}  // namespace
