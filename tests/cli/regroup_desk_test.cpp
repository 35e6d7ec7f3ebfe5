#include "cli/regroup_desk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/providers/fakes.hpp"

namespace autotune::cli {
namespace {

using rules::ReclusterStep;
using ::testing::HasSubstr;

class Desk : public ::testing::Test {
protected:
    // Asks until it is known.
    Result<rules::Regrouped> answer(const std::string& function, ReclusterStep step = {}) {
        for (int i = 0; i < 2'000; ++i) {
            auto told = desk_.ask({"aws-lambda", function}, step);
            if (told || told.error().message.find("being worked out") == std::string::npos) return told;
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return fail(Errc::timed_out, "no answer");
    }

    test::FakeClock clock_;
    std::atomic<int> asked_ = 0;
    std::atomic<bool> go_ = true;
    Result<rules::Regrouped> next_ = rules::Regrouped{.deploy = {.code_hash = "h", .package = "p", .words = "w"}, .because = {}, .predicted = {}};
    RegroupDesk desk_{clock_, [this](const FunctionRef&, const ReclusterStep&) {
        ++asked_;
        while (!go_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return next_;
    }};
};

TEST_F(Desk, NeverLetsAnybodyWaitAndDoesOneThingAtATime) {
    go_ = false;
    for (const char* function : {"a", "b", "a"}) {
        const auto told = desk_.ask({"aws-lambda", function}, {});
        ASSERT_FALSE(told);
        EXPECT_EQ(told.error().code, Errc::unavailable);
    }
    go_ = true;
    EXPECT_EQ(answer("a")->deploy.code_hash, "h");
    EXPECT_EQ(asked_, 1);
    EXPECT_TRUE(answer("b"));
    EXPECT_EQ(asked_, 2);
    EXPECT_TRUE(answer("a", {.op = ReclusterStep::Op::fuse})) << "another question";
    EXPECT_EQ(asked_, 3);
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

TEST_F(Desk, WhatMayPassIsAskedForAgainSoon) {
    next_ = fail(Errc::timed_out, "no answer in time");
    const auto told = answer("a");
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().code, Errc::unavailable) << "so that the rule waits";
    EXPECT_THAT(told.error().message, HasSubstr("in time"));
    clock_.advance(std::chrono::seconds(31));
    next_ = rules::Regrouped{};
    EXPECT_TRUE(answer("a"));
}

}  // namespace
}  // namespace autotune::cli
