#include "agent/logs/trace_timeline.hpp"

#include <gtest/gtest.h>

namespace autotune::logs {
namespace {

class Timeline : public ::testing::Test {
protected:
    void add(const std::string& line) {
        const auto parsed = parse_trace_line(line);
        ASSERT_TRUE(parsed) << line;
        last_ = timeline_.add(*parsed, batch_);
    }
    void call(const std::string& name) { add("call from \t/f.py.c to /f.py." + name); }
    void back(const std::string& name, const std::string& ms) {
        add("return from \t/f.py." + name + " to /f.py.c - time elapsed: " + ms + "ms");
    }
    void exception(const std::string& name) { add("exception in \t/f.py." + name + " at line 1: x"); }

    struct Call {
        std::string name;
        unsigned depth;
        CallEnd how;
        long duration;
        long at;
        bool operator==(const Call&) const = default;
    };
    [[nodiscard]] std::vector<Call> calls() const {
        std::vector<Call> all;
        for (const Event& event : batch_.events)
            if (const auto* call = std::get_if<CallDone>(&event.body))
                all.push_back({std::string(batch_.tables.strings[batch_.tables.frames[call->function].name]),
                               call->depth, call->how, call->duration.count(), to_ns(event.at)});
        return all;
    }
    [[nodiscard]] std::optional<EndKind> ended() const {
        for (const Event& event : batch_.events)
            if (const auto* end = std::get_if<InvocationEnded>(&event.body)) return end->kind;
        return std::nullopt;
    }

    EventBatch batch_;
    TraceTimeline timeline_{{.function = "f", .id = "1", .ordinal = 1}, from_ns(1'000'000'000)};
    Status last_ = ok();
};

TEST_F(Timeline, GivesExactDurationsDepthsAndOrder) {
    call("a"), call("b"), back("b", "1.0"), call("b"), back("b", "2.0"), back("a", "5.0");
    const auto all = calls();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0], (Call{"b", 1, CallEnd::returned, 1'000'000, 1'001'000'000}));
    EXPECT_EQ(all[1], (Call{"b", 1, CallEnd::returned, 2'000'000, 1'003'000'000}));
    EXPECT_EQ(all[2], (Call{"a", 0, CallEnd::returned, 5'000'000, 1'005'000'000}));
    EXPECT_EQ(ended(), EndKind::response);
}

TEST_F(Timeline, AnExceptionLeavesACallWhenItsCallerSeesIt) {
    call("a"), call("b"), exception("b"), back("b", "1"), exception("a"), back("a", "2");
    EXPECT_EQ(calls()[0].how, CallEnd::raised);
    EXPECT_EQ(calls()[1].how, CallEnd::raised);
    EXPECT_EQ(ended(), EndKind::error);
}

TEST_F(Timeline, AnExceptionThatIsHandledDoesNot) {
    call("a"), call("b"), exception("b"), back("b", "1"), call("c"), back("c", "1"), back("a", "2");
    for (const Call& one : calls()) EXPECT_EQ(one.how, CallEnd::returned);
    EXPECT_EQ(ended(), EndKind::response);
}

TEST_F(Timeline, RecursionIsToldInnermostFirst) {
    call("a"), call("a"), call("a"), back("a", "1"), back("a", "2"), back("a", "3");
    const auto all = calls();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].depth, 2U);
    EXPECT_EQ(all[2].depth, 0U);
}

TEST_F(Timeline, AReturnFromNowhereIsRefused) {
    call("a"), back("zzz", "1");
    ASSERT_FALSE(last_);
    EXPECT_EQ(last_.error().message, "a return from zzz, which was not called");
    back("a", "1");
    EXPECT_TRUE(last_);
    EXPECT_EQ(calls().size(), 1U);
}

TEST_F(Timeline, CallsWhoseReturnIsMissingAreCut) {
    call("a"), call("b"), call("c"), back("a", "9");
    const auto all = calls();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].how, CallEnd::cut);
    EXPECT_EQ(all[1].how, CallEnd::cut);
    EXPECT_EQ(all[2].how, CallEnd::returned);
}

TEST_F(Timeline, WhatIsOpenAtTheEndIsCut) {
    call("a"), call("b"), back("b", "1");
    timeline_.finish(batch_);
    const auto all = calls();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].how, CallEnd::returned);
    EXPECT_EQ(all[1].how, CallEnd::cut);
    EXPECT_TRUE(ended());
}

}  // namespace
}  // namespace autotune::logs
