#include "cli/refusal_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/providers/fakes.hpp"

namespace autotune::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class RefusalLogTest : public testing::Test {
protected:
    void refuse(const std::string& reason, const std::string& rule = "oom", const std::string& function = "orders") {
        log_.add({{"fake", function}, rule, reason, "resize 128 MB → 228 MB"}, now_);
    }
    std::vector<std::string> kept() {
        std::vector<std::string> out;
        for (const RefusalRecord& r : memory_.refusals) out.push_back(r.what.target.name + ": " + r.what.reason);
        return out;
    }
    test::MemoryStore memory_;
    test::HookedStore store_{memory_};
    RefusalLog log_{store_};
    WallTime now_{std::chrono::hours(500'000)};
};

TEST_F(RefusalLogTest, KeepsOneEntryAChangeOfReason) {
    for (int i = 0; i < 100; ++i, now_ += 1s) {
        refuse("p99 of " + std::to_string(i) + " ms is not enough");
        EXPECT_TRUE(log_.write());
    }
    EXPECT_THAT(kept(), ElementsAre("orders: p99 of 0 ms is not enough"));
    for (int i = 0; i < 600; ++i, now_ += 1s) {  // flaps
        refuse(i % 2 == 0 ? "frozen" : "as many changes are under way as max_concurrent_changes allows");
        EXPECT_TRUE(log_.write());
    }
    EXPECT_THAT(kept(), SizeIs(3));
    now_ += 11min;
    refuse("frozen");
    EXPECT_TRUE(log_.write());
    EXPECT_THAT(kept(), SizeIs(4)) << "it had gone, and came back";
}

TEST_F(RefusalLogTest, TellsNothingAgainAfterARestart) {
    refuse("frozen");
    EXPECT_TRUE(log_.write());
    RefusalLog next(store_);
    now_ += 1min;
    ASSERT_TRUE(next.load(now_));
    next.add({{"fake", "orders"}, "oom", "frozen", ""}, now_);
    EXPECT_TRUE(next.write());
    EXPECT_THAT(kept(), SizeIs(1));
    EXPECT_THAT(next.lately({"fake", "orders"}, "other", now_), ElementsAre("resize 128 MB → 228 MB by rule oom: frozen"));
}

TEST_F(RefusalLogTest, KeepsUntilWhenWhatStandsIsMet) {
    const auto stands = [&](const std::string& reason, Nanos time) {
        for (const WallTime end = now_ + time; now_ < end; now_ += 10s) {
            log_.add({{"fake", "orders"}, "oom", reason}, now_);
            EXPECT_TRUE(log_.write());
        }
    };
    const WallTime begun = now_;
    refuse("frozen");
    stands("frozen", 3h);
    EXPECT_THAT(log_.lately({"fake", "orders"}, "other", now_), ElementsAre("resize 128 MB → 228 MB by rule oom: frozen"));
    stands("in its cooldown", 1min);
    stands("frozen", 1min);
    EXPECT_THAT(kept(), ElementsAre("orders: frozen", "orders: in its cooldown"));
    EXPECT_EQ(memory_.refusals[0].at, begun);
    EXPECT_GE(memory_.refusals[0].until, begun + 3h - 5min);
    now_ += 9min;
    RefusalLog next(store_);
    ASSERT_TRUE(next.load(now_));
    next.add({{"fake", "orders"}, "oom", "frozen"}, now_);
    EXPECT_TRUE(next.write());
    EXPECT_THAT(kept(), SizeIs(2)) << "told three hours ago, met nine minutes ago";
}

TEST_F(RefusalLogTest, WaitsForAStoreThatIsIll) {
    store_.refuse = [] { return Status(fail(Errc::resource_exhausted, "disk full")); };
    refuse("frozen");
    EXPECT_FALSE(log_.write());
    EXPECT_THAT(kept(), IsEmpty());
    store_.refuse = [] { return ok(); };
    EXPECT_TRUE(log_.write());
    EXPECT_THAT(kept(), ElementsAre("orders: frozen"));
}

TEST_F(RefusalLogTest, WritesFewAtATimeAndTellsWhatItDropped) {
    for (int i = 0; i < 20'010; ++i) refuse("frozen", "oom", std::to_string(i));
    const Status first = log_.write();
    ASSERT_FALSE(first);
    EXPECT_THAT(first.error().message, testing::HasSubstr("10 refusals are not on record"));
    EXPECT_THAT(memory_.refusals, SizeIs(200));
    for (int i = 1; i < 100; ++i) EXPECT_TRUE(log_.write());
    EXPECT_THAT(memory_.refusals, SizeIs(20'000));
}

TEST_F(RefusalLogTest, KnowsWhatOtherRulesWereRefusedLately) {
    refuse("frozen");
    refuse("lost to 'oom': one change a function at a time", "slow");
    refuse("frozen", "oom", "another");
    const FunctionRef orders{"fake", "orders"};
    EXPECT_THAT(log_.lately(orders, "oom", now_),
                ElementsAre("resize 128 MB → 228 MB by rule slow: lost to 'oom': one change a function at a time"));
    EXPECT_THAT(log_.lately(orders, "x", now_), SizeIs(2));
    EXPECT_THAT(log_.lately(orders, "x", now_ + 11min), IsEmpty());
}

}  // namespace
}  // namespace autotune::cli
