#include "bpf/logic/call_stack.h"

#include <gtest/gtest.h>

#include "bpf/calls_wire.h"

namespace {

// Calls entered and left at times told, with probes that add 100 ns to a call and 150 ns to its caller.
class Thread {
public:
    at_call_frame* enter(std::uint32_t function, std::uint64_t sp, std::uint64_t now) {
        at_call_frame* frame = at_push_call(&stack, function, sp);
        if (frame != nullptr) frame->entered_ns = now;
        return frame;
    }
    at_call_result leave(std::uint64_t now) {
        at_call_result result{};
        at_pop_call(&stack, now, 100, 150, &result);
        return result;
    }
    at_call_stack stack{};
};

constexpr std::uint32_t outer = 7, inner = 8;  // functions

TEST(CallStack, SubtractsWhatItsProbeAdds) {
    Thread t;
    t.enter(outer, 1000, 5'000);
    const at_call_result call = t.leave(6'100);
    EXPECT_EQ(call.duration_ns, 1'000u);
    EXPECT_EQ(call.added_ns, 100u);
    EXPECT_EQ(call.self_ns, 1'000u);
    EXPECT_EQ(call.function, outer);
    EXPECT_EQ(call.caller, AT_NO_CALLER);
    EXPECT_EQ(call.depth, 0u);
    EXPECT_EQ(t.stack.depth, 0u);
}

TEST(CallStack, SubtractsWhatTheProbesOfCalleesAddAtAnyDepth) {
    Thread t;
    t.enter(outer, 1000, 0);
    t.enter(inner, 900, 1'000);
    t.enter(inner, 800, 2'000);
    EXPECT_EQ(t.leave(2'600).duration_ns, 500u);
    EXPECT_EQ(t.leave(4'000).duration_ns, 2'750u) << "3000 - 150 of the callee - 100 of its own";
    const at_call_result call = t.leave(5'000);
    EXPECT_EQ(call.duration_ns, 4'600u) << "5000 - 2 * 150 - 100";
    EXPECT_EQ(call.added_ns, 400u);
    EXPECT_EQ(call.self_ns, 4'600u - 2'750u);
}

TEST(CallStack, ACallShorterThanItsProbesLastsNothing) {
    Thread t;
    t.enter(outer, 1000, 5'000);
    const at_call_result call = t.leave(5'040);
    EXPECT_EQ(call.duration_ns, 0u);
    EXPECT_EQ(call.added_ns, 40u) << "with the duration it is what was seen";
}

TEST(CallStack, AClockThatSeemsToGoBackGivesNoHugeDuration) {
    Thread t;
    t.enter(outer, 1000, 5'000);
    const at_call_result call = t.leave(4'999);
    EXPECT_EQ(call.duration_ns, 0u);
    EXPECT_EQ(call.added_ns, 0u);
}

TEST(CallStack, KnowsTheCallerAndTheDepth) {
    Thread t;
    t.enter(outer, 1000, 0);
    t.enter(inner, 900, 10);
    const at_call_result call = t.leave(500);
    EXPECT_EQ(call.caller, outer);
    EXPECT_EQ(call.depth, 1u);
}

TEST(CallStack, MarksARecursiveCallSoThatItsTimeCountsOnce) {
    Thread t;
    EXPECT_FALSE(t.enter(outer, 1000, 0)->is_recursive);
    EXPECT_FALSE(t.enter(inner, 900, 0)->is_recursive);
    EXPECT_TRUE(t.enter(outer, 800, 0)->is_recursive);
    EXPECT_TRUE(t.leave(1'000).is_recursive);
    EXPECT_FALSE(t.leave(2'000).is_recursive);
    EXPECT_FALSE(t.leave(3'000).is_recursive);
    EXPECT_FALSE(t.enter(outer, 1000, 0)->is_recursive) << "all of them are over";
}

TEST(CallStack, FunctionsOfTheSameSlotAreToldApart) {
    Thread t;
    t.enter(outer, 1000, 0);
    EXPECT_FALSE(t.enter(outer + AT_ACTIVE_SLOTS, 900, 0)->is_recursive);
}

TEST(CallStack, IsBounded) {
    Thread t;
    for (std::uint32_t i = 0; i < AT_CALL_DEPTH; ++i) ASSERT_NE(t.enter(i, 10'000 - i, 0), nullptr);
    EXPECT_EQ(t.enter(99, 100, 0), nullptr);
    EXPECT_EQ(t.stack.depth, std::uint32_t{AT_CALL_DEPTH});
    EXPECT_EQ(at_top_call(&t.stack)->function, std::uint32_t{AT_CALL_DEPTH} - 1);
    for (std::uint32_t i = AT_CALL_DEPTH; i-- > 0;) EXPECT_EQ(t.leave(1'000).function, i);
    EXPECT_EQ(at_top_call(&t.stack), nullptr);
}

TEST(CallStack, AStackThatCannotBeIsEmpty) {
    at_call_stack stack{};
    stack.depth = AT_CALL_DEPTH + 1;
    EXPECT_EQ(at_top_call(&stack), nullptr);
}

// Stacks grow downwards: who enters above a call's return address, or at it, has left that call behind.
TEST(CallStack, CallsAreGoneWhenTheStackIsAboveThem) {
    EXPECT_LE(at_gone_below(992, 0), 1000u) << "called by it";
    EXPECT_GT(at_gone_below(1008, 0), 1000u) << "jumped out of";
    EXPECT_GT(at_gone_below(1000, 0), 1000u) << "called by its caller, after it";
    EXPECT_LE(at_gone_below(1000, 1), 1000u) << "a tail call of it: it ends when that returns";
}

}  // namespace
