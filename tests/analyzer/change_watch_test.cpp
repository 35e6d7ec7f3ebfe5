// What changes over time becomes a fact, and what says nothing does not.
#include "analyzer/change_watch.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "analyzer/window_facts.hpp"

namespace autotune::analysis {
namespace {

using namespace std::chrono_literals;

// A call each second.
class Calls {
public:
    Calls() : history_({.span = 24h, .records = 50'000, .samples = 1, .functions = 1}) {
        book_ = history_.book({.provider = "p", .name = "f"}, now_);
    }
    Record next(double seconds = 0.05) {
        now_ += 1s;
        Record r;
        r.serial = ++serial_;
        r.version = "1";
        r.end = now_;
        r.start = now_ - Nanos(static_cast<std::int64_t>(seconds * 1e9 * std::exp(0.3 * normal_(random_))));
        r.status = InvocationStatus::ok;
        return r;
    }
    void add(Record r) { history_.add(*book_, std::move(r)); }
    [[nodiscard]] FactSet facts(Nanos window = 1h) const { return window_facts(*book_, now_ - window, now_).fn; }
    void pass(Nanos time) { now_ += time; }
    bool chance(double p) { return std::bernoulli_distribution(p)(random_); }

private:
    History history_;
    FunctionBook* book_ = nullptr;
    Timestamp now_{};
    std::uint64_t serial_ = 0;
    std::mt19937_64 random_{11};
    std::normal_distribution<double> normal_;
};

FactValue yes(bool v) { return v; }

TEST(ChangeWatch, DoesNotKnowBeforeItHasLearnt) {
    Calls calls;
    for (int i = 0; i < 99; ++i) calls.add(calls.next());
    for (const Fact fact : kChangeFacts) EXPECT_FALSE(calls.facts().known(fact)) << info(fact).name;
    calls.add(calls.next());
    EXPECT_EQ(calls.facts()[Fact::fn_p95_changed], yes(false));
    EXPECT_EQ(calls.facts()[Fact::fn_error_rate_changed], yes(false));
    EXPECT_FALSE(calls.facts().known(Fact::fn_init_changed));         // no cold start was seen
    EXPECT_FALSE(calls.facts().known(Fact::fn_peak_memory_changed));  // no peak was measured
    EXPECT_FALSE(calls.facts().known(Fact::fn_p95_change));
}

TEST(ChangeWatch, TellsASlowerTailWithinTheWindowAndByHowMuch) {
    Calls calls;
    for (int i = 0; i < 1000; ++i) calls.add(calls.next());
    EXPECT_EQ(calls.facts()[Fact::fn_p95_changed], yes(false));
    for (int i = 0; i < 300; ++i) calls.add(calls.next(calls.chance(0.2) ? 0.2 : 0.05));
    const FactSet fn = calls.facts();
    EXPECT_EQ(fn[Fact::fn_p95_changed], yes(true));
    ASSERT_TRUE(fn.number(Fact::fn_p95_change));
    EXPECT_GT(*fn.number(Fact::fn_p95_change), 0.5);
    EXPECT_EQ(fn[Fact::fn_error_rate_changed], yes(false));
    // It is news for as long as the window is.
    calls.pass(2h);
    EXPECT_NE(calls.facts()[Fact::fn_p95_changed], yes(true));
    EXPECT_FALSE(calls.facts().known(Fact::fn_p95_change));
}

TEST(ChangeWatch, TellsWhatBecameFaster) {
    Calls calls;
    for (int i = 0; i < 500; ++i) calls.add(calls.next());
    for (int i = 0; i < 100; ++i) calls.add(calls.next(0.025));
    EXPECT_EQ(calls.facts()[Fact::fn_p50_changed], yes(true));
    EXPECT_NEAR(*calls.facts().number(Fact::fn_p50_change), -0.5, 0.1);
}

TEST(ChangeWatch, TellsFailuresColdStartsMemoryCpuAndWaits) {
    const auto told = [](Fact fact, auto change) {
        Calls calls;
        const auto usual = [&](Record r) {
            r.cpu = r.duration() / 2;
            r.network_wait = r.duration() / 4;
            r.memory_peak = 50'000'000 + r.serial * 7919 % 100 * 50'000;
            r.cold = calls.chance(0.02);
            return r;
        };
        for (int i = 0; i < 600; ++i) calls.add(usual(calls.next()));
        EXPECT_EQ(calls.facts()[fact], fact == Fact::fn_init_changed ? FactValue() : yes(false)) << info(fact).name;
        for (int i = 0; i < 150; ++i) {
            Record r = usual(calls.next());
            change(r, calls);
            calls.add(std::move(r));
        }
        return calls.facts()[fact];
    };
    EXPECT_EQ(told(Fact::fn_error_rate_changed, [](Record& r, Calls& c) {
        if (c.chance(0.3)) r.status = InvocationStatus::error;
    }), yes(true));
    EXPECT_EQ(told(Fact::fn_cold_start_share_changed, [](Record& r, Calls& c) { r.cold = c.chance(0.4); }), yes(true));
    EXPECT_EQ(told(Fact::fn_peak_memory_changed, [](Record& r, Calls&) { r.memory_peak = r.memory_peak * 3 / 2; }), yes(true));
    EXPECT_EQ(told(Fact::fn_cpu_changed, [](Record& r, Calls&) { r.cpu *= 2; }), yes(true));
    EXPECT_EQ(told(Fact::fn_io_wait_share_changed, [](Record& r, Calls&) { r.network_wait *= 3; }), yes(true));
}

TEST(ChangeWatch, FailuresDoNotMakeDurationsChange) {
    Calls calls;
    for (int i = 0; i < 600; ++i) calls.add(calls.next());
    for (int i = 0; i < 200; ++i) {
        Record r = calls.next(calls.chance(0.5) ? 3 : 0.05);
        if (r.duration() > 1s) r.status = InvocationStatus::timeout;
        calls.add(std::move(r));
    }
    EXPECT_EQ(calls.facts()[Fact::fn_p95_changed], yes(false));
    EXPECT_EQ(calls.facts()[Fact::fn_error_rate_changed], yes(true));
}

TEST(ChangeWatch, OneThatStandsForSeveralIsNoFewerFailures) {
    // The budget tells one success in 16 and every failure: the share that fails has not changed.
    Calls calls;
    for (int i = 0; i < 3000; ++i) {
        Record r = calls.next();
        if (calls.chance(0.05)) r.status = InvocationStatus::error;
        calls.add(std::move(r));
    }
    for (int i = 0; i < 3000; ++i) {
        Record r = calls.next();
        if (calls.chance(0.05))
            r.status = InvocationStatus::error;
        else if (calls.chance(1. / 16))
            r.stands_for = 16;
        else
            continue;
        calls.add(std::move(r));
    }
    EXPECT_EQ(calls.facts(24h)[Fact::fn_error_rate_changed], yes(false));
}

}  // namespace
}  // namespace autotune::analysis
