#include "agent/budget/budget.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace autotune {
namespace {

using namespace std::chrono_literals;

// A machine on which the agent spends `load` cores.
class BudgetTest : public ::testing::Test {
protected:
    // So many seconds of that load, weighed once a second. Returns how often something changed.
    int spend(double load, int seconds) {
        int changes = 0;
        for (int i = 0; i < seconds; ++i) {
            now.at += 1s;
            now.seconds += load;
            now.events += events_a_second;
            changes += budget.weigh(now) ? 1 : 0;
        }
        return changes;
    }
    [[nodiscard]] std::vector<Given> given() const {
        return {budget.given_up().begin(), budget.given_up().end()};
    }

    std::uint64_t events_a_second = 4'000;
    Spent now{from_ns(1'000'000'000), 3};
    Budget budget{{.cores = 0.01}, {.waits = true}};
};

TEST_F(BudgetTest, LeavesTheWishAloneWhileItIsKept) {
    EXPECT_EQ(spend(0.009, 600), 0);
    EXPECT_TRUE(given().empty());
    EXPECT_NEAR(budget.load(), 0.009, 1e-9);
    EXPECT_EQ(budget.detail().sample_hz, 99u);
    EXPECT_FALSE(budget.detail().shed.files);
}

TEST_F(BudgetTest, GivesUpOneThingAfterTheOtherInItsOrder) {
    std::vector<std::vector<Given>> seen;
    for (int i = 0; i < 60; ++i)
        if (spend(0.02, 1) > 0) seen.push_back(given());
    using enum Given;
    const std::vector<Given> steps{waits,   most_samples, file_io,     socket_io,   last_calls,
                                   samples, causes,       invocations, invocations, invocations};
    std::vector<std::vector<Given>> order;
    for (std::size_t n = 1; n <= steps.size(); ++n) order.emplace_back(steps.begin(), steps.begin() + n);
    EXPECT_EQ(seen, order);
    EXPECT_EQ(spend(0.02, 60), 0);  // there is no more to give
}

// Where little happens the cost is not theirs, and one in 64 of few is nothing to be seen for minutes.
TEST_F(BudgetTest, KeepsTellingInvocationsThatAreFew) {
    events_a_second = 20;
    spend(0.02, 600);
    EXPECT_EQ(given().back(), Given::causes);
    EXPECT_EQ(budget.detail().shed.told_one_in, 1u);
    events_a_second = 200;  // until three in four are given up
    spend(0.02, 3);
    events_a_second = 50;
    spend(0.02, 600);
    EXPECT_EQ(budget.detail().shed.told_one_in, 4u);
}

TEST_F(BudgetTest, SaysWhatIsLeftOfTheWish) {
    spend(0.02, 60);
    const Detail left = budget.detail();
    EXPECT_TRUE(left.shed.waits && left.shed.files && left.shed.sockets && left.shed.causes);
    EXPECT_TRUE(left.waits && left.io);  // the wish is the same
    EXPECT_FALSE(left.stacks);
    EXPECT_EQ(left.shed.told_one_in, 64u);
}

TEST_F(BudgetTest, GivesUpOnlyWhatWasWished) {
    budget = Budget({.cores = 0.01}, {.io = false, .sample_hz = 10});
    spend(1, 60);
    EXPECT_EQ(given(), (std::vector{Given::last_calls, Given::samples, Given::invocations, Given::invocations,
                                    Given::invocations}));
}

// Where switches cannot be left out.
TEST_F(BudgetTest, GivesUpOnlyWhatSavesSomething) {
    budget = Budget({.cores = 0.01, .causes = false}, {});
    spend(1, 60);
    EXPECT_FALSE(budget.detail().shed.causes);
    EXPECT_EQ(budget.detail().shed.told_one_in, 64u);
}

TEST_F(BudgetTest, DoesNotMindAShortPeak) {
    spend(0.002, 20);
    spend(0.03, 1);
    EXPECT_EQ(spend(0.002, 60), 0);
}

TEST_F(BudgetTest, DoesNotWaitForTheWindowWhenItIsMuchTooMuch) {
    spend(0.002, 20);
    spend(0.6, 2);
    EXPECT_GE(given().size(), 2u);
}

TEST_F(BudgetTest, TakesThingsBackAfterATimeWellBelow) {
    spend(0.02, 60);
    ASSERT_EQ(given().size(), 10u);
    EXPECT_EQ(spend(0.002, 34), 0);
    EXPECT_EQ(spend(0.002, 2), 1);
    EXPECT_EQ(given().size(), 9u);
    EXPECT_EQ(budget.detail().shed.told_one_in, 16u);
    spend(0.002, 370);
    EXPECT_TRUE(given().empty());
}

TEST_F(BudgetTest, HoldsWhatItHasJustBelowTheBudget) {
    spend(0.02, 6);
    ASSERT_EQ(given().size(), 1u);
    EXPECT_EQ(spend(0.008, 600), 0);
    EXPECT_EQ(given().size(), 1u);
}

TEST_F(BudgetTest, GetsMorePatientWhenItTookSomethingBackTooEarly) {
    int changes = 0;
    for (int i = 0; i < 3600; ++i) changes += spend(given().empty() ? 0.02 : 0.002, 1);
    EXPECT_LT(changes, 30);
    EXPECT_GT(changes, 6);  // but it tries
}

TEST_F(BudgetTest, ForgetsItsPatienceAfterAGoodTime) {
    for (int i = 0; i < 600; ++i) spend(given().empty() ? 0.02 : 0.002, 1);
    spend(0.002, 3600);  // whatever it was is over
    ASSERT_TRUE(given().empty());
    spend(0.02, 3);
    ASSERT_EQ(given().size(), 1u);
    EXPECT_EQ(spend(0.002, 37), 1);
}

}  // namespace
}  // namespace autotune
