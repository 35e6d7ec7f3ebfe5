// What the platform told of calls, as facts.
#include <gtest/gtest.h>

#include "analyzer/analyzer.hpp"
#include "analyzer/observed.hpp"

namespace autotune {
namespace {

using namespace std::chrono_literals;

const FunctionRef kShop{"aws-lambda", "shop"};
constexpr Instant kNow{Timestamp(1000s), WallTime(5000s)};

AnsweredCall answered(std::uint64_t input, std::uint64_t output, std::string version = "1 r", std::string id = "i") {
    return {.function = kShop, .at = kNow.wall - 10s, .id = InvocationId(id), .version = std::move(version), .input = input, .output = output};
}

FunctionFacts facts_of(const Analyzer& analyzer, Nanos window = 60s) {
    const auto all = analyzer.facts(window, kNow.at);
    return all.empty() ? FunctionFacts{} : all.at(0);
}

Observations of(std::vector<ThrottledCall> throttled, std::vector<AnsweredCall> answers = {}) {
    Observations out;
    out.throttled = std::move(throttled);
    out.answered = std::move(answers);
    return out;
}

TEST(Observed, RefusedCallsAreCountedWithinTheWindow) {
    Analyzer analyzer;
    analyzer.observe(of({{kShop, kNow.wall - 90s, 1}, {kShop, kNow.wall - 30s, 1}, {kShop, kNow.wall - 30s, 1}, {kShop, kNow.wall - 5s, 2}}), kNow);
    const FunctionFacts minute = facts_of(analyzer);
    EXPECT_EQ(minute.fn.integer(Fact::fn_throttles), 3);
    EXPECT_EQ(minute.fn.number(Fact::fn_throttle_rate), 1.0);
    EXPECT_EQ(minute.fn.integer(Fact::fn_concurrency_limit), 2) << "of the newest";
    EXPECT_EQ(minute.last_throttle, Timestamp(995s));
    EXPECT_EQ(facts_of(analyzer, 120s).fn.integer(Fact::fn_throttles), 4);
    EXPECT_EQ(facts_of(analyzer, 1s).fn.integer(Fact::fn_throttles), 0);
}

TEST(Observed, TheAccountsLimitIsNoReservation) {
    Analyzer analyzer;
    analyzer.observe(of({{kShop, kNow.wall - 5s, {}}}), kNow);
    EXPECT_EQ(facts_of(analyzer).fn.integer(Fact::fn_throttles), 1);
    EXPECT_FALSE(facts_of(analyzer).fn.known(Fact::fn_concurrency_limit));
}

TEST(Observed, NothingIsKnownOfAPlatformThatTellsNothing) {
    Analyzer analyzer;
    EventBatch batch;
    batch.events.push_back({.at = Timestamp(990s), .process = {1, 1}, .body = ExecutorSeen{.function = batch.tables.strings.intern("shop")}});
    analyzer.finish(batch, kNow);
    for (const FunctionFacts& f : analyzer.facts(60s, kNow.at))
        for (const Fact fact : {Fact::fn_throttles, Fact::fn_throttle_rate, Fact::fn_repeated_inputs, Fact::fn_nondeterministic})
            EXPECT_FALSE(f.fn.known(fact)) << info(fact).name;
}

TEST(Observed, TheSameInputWithAnotherOutputIsNonDeterministic) {
    Analyzer analyzer;
    analyzer.observe(of({}, {answered(1, 10, "1 r", "first"), answered(1, 10, "1 r", "second"), answered(2, 20)}), kNow);
    EXPECT_EQ(facts_of(analyzer).fn.integer(Fact::fn_repeated_inputs), 1);
    EXPECT_EQ(facts_of(analyzer).fn.integer(Fact::fn_nondeterministic), 0);
    EXPECT_EQ(facts_of(analyzer).differed, "");
    analyzer.observe(of({}, {answered(1, 11, "1 r", "third"), answered(1, 11, "1 r", "fourth")}), kNow);
    EXPECT_EQ(facts_of(analyzer).fn.integer(Fact::fn_repeated_inputs), 3);
    EXPECT_EQ(facts_of(analyzer).fn.integer(Fact::fn_nondeterministic), 1) << "each is compared with the one before it";
    EXPECT_EQ(facts_of(analyzer).differed, "second and third");
}

TEST(Observed, AnotherVersionMayAnswerOtherwise) {
    Analyzer analyzer;
    analyzer.observe(of({}, {answered(1, 10, "1 r"), answered(1, 11, "2 r"), answered(1, 12, "$LATEST a"), answered(1, 13, "$LATEST b")}), kNow);
    EXPECT_EQ(facts_of(analyzer).fn.integer(Fact::fn_repeated_inputs), 0);
    EXPECT_FALSE(facts_of(analyzer).fn.known(Fact::fn_nondeterministic)) << "no input came twice";
}

TEST(Observed, OldInputsAreForgottenAndNothingIsMadeUp) {
    analysis::Observed observed;
    const auto add = [&](std::uint64_t input, std::uint64_t output) { observed.add(answered(input, output), Timestamp(1s)); };
    for (std::uint64_t i = 0; i <= analysis::Observed::kMostInputs; ++i) add(i, 1);
    add(0, 2);  // the first was forgotten
    add(analysis::Observed::kMostInputs, 2);
    FunctionFacts out;
    observed.tell(out, Timestamp(0s), Timestamp(2s));
    EXPECT_EQ(out.fn.integer(Fact::fn_repeated_inputs), 1);
    EXPECT_EQ(out.fn.integer(Fact::fn_nondeterministic), 1);
}

}  // namespace
}  // namespace autotune
