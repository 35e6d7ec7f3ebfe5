#include "tests/support/no_skips_in_ci.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace autotune::test {

bool may_skip(std::string_view reason, const char* ci) {
    const std::string_view set = ci == nullptr ? "" : ci;
    return set.empty() || set == "false" || set == "0" || reason.starts_with("optional:");
}

namespace {

// GoogleTest allows no failure to be added while it tells of a result, so that is done at the test's end.
class NoSkips final : public ::testing::EmptyTestEventListener {
    void OnTestPartResult(const ::testing::TestPartResult& result) override {
        if (result.skipped() && !may_skip(result.message(), std::getenv("CI"))) forbidden_ = result.message();
    }
    void OnTestEnd(const ::testing::TestInfo&) override { fail(); }
    void OnTestSuiteEnd(const ::testing::TestSuite&) override { fail(); }

    void fail() {
        if (forbidden_) ADD_FAILURE() << "CI may not skip this: " << *forbidden_;
        forbidden_.reset();
    }
    std::optional<std::string> forbidden_;  // the reason, which may be empty
};

// Before main(), which is GoogleTest's; the listeners own it.
[[maybe_unused]] const bool kListening = [] {
    ::testing::UnitTest::GetInstance()->listeners().Append(new NoSkips);
    return true;
}();

}  // namespace
}  // namespace autotune::test
