#include "core/result.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace autotune {
namespace {

Result<int> half(int n) {
    if (n % 2 != 0) return fail(Errc::invalid_argument, std::to_string(n) + " is odd");
    return n / 2;
}

TEST(Result, CarriesTheValue) { EXPECT_EQ(half(8).value(), 4); }

TEST(Result, CarriesTheReason) {
    const auto r = half(3);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, Errc::invalid_argument);
    EXPECT_EQ(r.error().message, "3 is odd");
}

TEST(Result, ContextGoesInFront) {
    const Result<std::string> outer = half(3).forward("halving");
    EXPECT_EQ(outer.error().message, "halving: 3 is odd");
}

TEST(Result, ChainsUntilTheFirstFailure) {
    EXPECT_EQ(half(8).and_then(half).value(), 2);
    EXPECT_EQ(half(6).and_then(half).error().message, "3 is odd");
    EXPECT_EQ(half(8).transform([](int n) { return n * 10; }).value(), 40);
}

TEST(Result, HoldsMoveOnlyValues) {
    Result<std::unique_ptr<int>> r = std::make_unique<int>(7);
    EXPECT_EQ(*std::move(r).value(), 7);
}

TEST(Result, AbortsRatherThanInventAValue) { EXPECT_DEATH((void)half(3).value(), ""); }

TEST(Status, ErrnoBecomesAKindAndAMessage) {
    const Status s = unexpected(errno_error("opening x", ENOENT));
    EXPECT_EQ(s.error().code, Errc::not_found);
    EXPECT_EQ(s.error().message, "opening x: No such file or directory");
}

}  // namespace
}  // namespace autotune
