#include "cli/regroup_desk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

namespace autotune::cli {
namespace {

using rules::ReclusterStep;
using ::testing::HasSubstr;

// Read in two threads.
class SharedClock final : public Clock {
public:
    [[nodiscard]] Timestamp now() const override {
        if (std::this_thread::get_id() != owner_) ++read_elsewhere_;
        return from_ns(now_);
    }
    [[nodiscard]] WallTime wall() const override { return WallTime(from_ns(now_).time_since_epoch()); }
    void advance(Nanos by) { now_ += by.count(); }
    [[nodiscard]] int read_elsewhere() const { return read_elsewhere_; }

private:
    const std::thread::id owner_ = std::this_thread::get_id();
    std::atomic<std::int64_t> now_ = 1'000'000'000'000;
    mutable std::atomic<int> read_elsewhere_ = 0;
};

class Desk : public ::testing::Test {
protected:
    Result<rules::Regrouped> ask(const std::string& function, ReclusterStep step = {}) { return desk_.ask({"aws-lambda", function}, step); }
    // Asks until it is known.
    Result<rules::Regrouped> answer(const std::string& function, ReclusterStep step = {}) {
        for (int i = 0; i < 10'000; ++i) {
            auto told = ask(function, step);
            if (told || !rules::is_being_worked_out(told.error())) return told;
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return fail(Errc::timed_out, "no answer");
    }
    // Until so many were worked out, though nobody asked for them since.
    void wait_until_done(int times) {
        for (int i = 0; i < 10'000 && clock_.read_elsewhere() < times; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        ASSERT_EQ(clock_.read_elsewhere(), times);
    }

    SharedClock clock_;
    std::atomic<bool> go_ = true;
    std::atomic<int> asked_ = 0;
    std::string order_;  // of what was worked out
    Result<rules::Regrouped> next_ = rules::Regrouped{.deploy = {.code_hash = "h", .package = "p", .words = "w"}, .because = {}, .predicted = {}};
    std::function<void()> throws_;
    RegroupDesk desk_{clock_,
                      [this](const FunctionRef& function, const ReclusterStep&) {
                          ++asked_;
                          order_ += function.name;
                          while (!go_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
                          if (throws_) throws_();
                          return next_;
                      },
                      [this] { go_ = true; }};
};

TEST_F(Desk, NeverLetsAnybodyWaitAndDoesOneThingAtATime) {
    go_ = false;
    for (const char* function : {"a", "b", "a"}) {
        const auto told = ask(function);
        ASSERT_FALSE(told);
        EXPECT_EQ(told.error().code, Errc::unavailable);
    }
    go_ = true;
    EXPECT_EQ(answer("a")->deploy.code_hash, "h");
    EXPECT_TRUE(answer("b"));
    EXPECT_EQ(asked_, 2);
    EXPECT_TRUE(answer("a", {.op = ReclusterStep::Op::fuse})) << "another question";
    EXPECT_EQ(asked_, 3);
}

TEST_F(Desk, WhatThrowsIsARefusalAndNotTheLoopsEnd) {
    throws_ = [] { throw std::runtime_error("not a name"); };
    const auto told = answer("a");
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().code, Errc::internal);
    EXPECT_THAT(told.error().message, HasSubstr("not a name"));
    throws_ = [] { throw 1; };
    EXPECT_EQ(answer("b").error().code, Errc::internal);
    throws_ = nullptr;
    EXPECT_TRUE(answer("c"));
}

TEST_F(Desk, RemembersForAWhile) {
    next_ = fail(Errc::unsupported, "it is no group");
    EXPECT_THAT(answer("a").error().message, HasSubstr("no group"));
    clock_.advance(std::chrono::minutes(9));
    EXPECT_EQ(answer("a").error().code, Errc::unsupported);
    EXPECT_EQ(asked_, 1);
    clock_.advance(std::chrono::minutes(2));
    next_ = rules::Regrouped{};
    EXPECT_TRUE(answer("a"));
    EXPECT_EQ(asked_, 2);
}

TEST_F(Desk, AnAnswerIsAsOldAsItIsHoweverLateItIsAskedFor) {
    EXPECT_FALSE(ask("a"));
    wait_until_done(1);
    clock_.advance(std::chrono::minutes(11));
    next_ = fail(Errc::unsupported, "it is no group any more");
    const auto told = answer("a");
    ASSERT_FALSE(told) << "code and records are no longer what they were";
    EXPECT_THAT(told.error().message, HasSubstr("any more"));
    EXPECT_EQ(asked_, 2);
}

TEST_F(Desk, WhatMayPassIsTriedEverMoreSeldomAndNotWaitedForForever) {
    next_ = fail(Errc::timed_out, "no answer in time");
    int tries = 0;
    for (const int minutes : {10, 20, 40, 80, 160, 240, 240}) {
        const auto told = answer("a");
        ASSERT_FALSE(told);
        EXPECT_EQ(asked_, ++tries);
        EXPECT_EQ(told.error().code, tries < 3 ? Errc::unavailable : Errc::unsupported) << "a rule waits, but not forever";
        EXPECT_THAT(told.error().message, HasSubstr("no answer in time"));
        clock_.advance(std::chrono::minutes(minutes) - std::chrono::seconds(1));
        EXPECT_FALSE(rules::is_being_worked_out(ask("a").error())) << minutes;
        clock_.advance(std::chrono::seconds(1));
    }
    next_ = rules::Regrouped{};
    EXPECT_TRUE(answer("a"));
    clock_.advance(std::chrono::minutes(10));
    next_ = fail(Errc::timed_out, "no answer in time");
    EXPECT_EQ(answer("a").error().code, Errc::unavailable) << "it begins anew";
}

TEST_F(Desk, TheOldestQuestionIsTheNext) {
    // An evaluation asks for all in one order, and answers are old before all have theirs.
    for (int round = 0; round < 6; ++round) {
        go_ = false;
        for (const char* function : {"a", "b", "c"}) EXPECT_FALSE(ask(function));
        go_ = true;
        wait_until_done(round + 1);
        clock_.advance(std::chrono::minutes(11));
    }
    EXPECT_EQ(order_, "abcabc");
}

TEST(DeskAtItsEnd, HurriesWhatItWaitsFor) {
    SharedClock clock;
    std::atomic<bool> stop = false;
    {
        RegroupDesk desk(clock,
                         [&](const FunctionRef&, const ReclusterStep&) -> Result<rules::Regrouped> {
                             while (!stop) std::this_thread::sleep_for(std::chrono::milliseconds(1));
                             return fail(Errc::unavailable, "stopped");
                         },
                         [&] { stop = true; });
        EXPECT_FALSE(desk.ask({"aws-lambda", "a"}, {}));
    }
    EXPECT_TRUE(stop);
}

}  // namespace
}  // namespace autotune::cli
