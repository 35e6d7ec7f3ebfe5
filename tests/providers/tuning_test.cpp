// What a remedy makes of a function's configuration, joined by a second one, and taken off again.
#include "providers/tuning.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace autotune {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kArn = "arn:aws:lambda:eu-west-1:1:layer:autotune-remedy-12ab:1";

Wrap put(std::string remedy, std::string settings, Nanos timeout = Nanos(0)) {
    return {.remedy = std::move(remedy), .settings = std::move(settings), .words = "", .timeout = timeout, .layer = "", .handler = ""};
}
Tuning plain() { return {128, std::chrono::seconds(3), "app.handler", {"arn:aws:lambda:r:1:layer:numpy:4"}, "abc", ""}; }

TEST(Tuning, AWrappedFunctionKnowsWhatItWas) {
    const Tuning to = tuned(put("cache", R"({"ttl_s":60})"), plain(), kArn).value();
    EXPECT_EQ(to.handler, "autotune_remedy.handler");
    EXPECT_THAT(to.layers, ElementsAre("arn:aws:lambda:r:1:layer:numpy:4", kArn));
    EXPECT_EQ(to.remedy, R"({"handler":"app.handler","remedies":{"cache":{"ttl_s":60}},"timeout_s":3})");
    EXPECT_EQ(to.timeout, plain().timeout);
}

TEST(Tuning, TheRuntimesWrapperIsCalled) {
    EXPECT_EQ(wrapper_handler("python3.11"), "autotune_remedy.handler");
    EXPECT_EQ(wrapper_handler("nodejs22.x"), "/opt/nodejs/node_modules/autotune_remedy/index.handler");
    for (const auto* other : {"provided.al2023", "java21", "python2.7", "python3.7", "nodejs16.x", "nodejs", ""}) EXPECT_EQ(wrapper_handler(other), "") << other;
    Wrap wrap = put("cache", "{}");
    wrap.handler = wrapper_handler("nodejs22.x");
    const Tuning to = tuned(wrap, plain(), kArn).value();
    EXPECT_EQ(to.handler, wrap.handler);
    wrap.settings.clear();
    EXPECT_EQ(tuned(wrap, to, kArn).value(), plain());
}

TEST(Tuning, ASecondRemedyJoinsTheFirstAndEachIsTakenOffByItself) {
    const Tuning one = tuned(put("cache", "{}"), plain(), kArn).value();
    const Tuning two = tuned(put("handover", "{}", std::chrono::seconds(30)), one, kArn).value();
    EXPECT_THAT(two.remedy, HasSubstr(R"("remedies":{"cache":{},"handover":{}})"));
    EXPECT_THAT(two.remedy, HasSubstr(R"("handler":"app.handler")"));
    EXPECT_THAT(two.layers, ElementsAre("arn:aws:lambda:r:1:layer:numpy:4", kArn));
    EXPECT_EQ(two.timeout, std::chrono::seconds(30));
    EXPECT_EQ(tuned(put("handover", ""), two, kArn).value(), one);
    EXPECT_EQ(tuned(put("cache", ""), one, kArn).value(), plain());
}

TEST(Tuning, ATimeLimitStaysWhileARemedyIsLeftThatNeedsIt) {
    const Tuning one = tuned(put("handover", "{}", std::chrono::seconds(30)), plain(), kArn).value();
    const Tuning two = tuned(put("cache", "{}"), one, kArn).value();
    EXPECT_EQ(tuned(put("cache", ""), two, kArn).value(), one);
}

TEST(Tuning, ANewerWrapperTakesTheOldersPlace) {
    const Tuning old = tuned(put("cache", "{}"), plain(), kArn).value();
    const std::string newer = "arn:aws:lambda:eu-west-1:1:layer:autotune-remedy-34cd:1";
    EXPECT_THAT(tuned(put("cache", "{}"), old, newer).value().layers, ElementsAre(plain().layers[0], newer));
}

TEST(Tuning, WhatSomebodyElseWroteIsNotGuessed) {
    Tuning before = plain();
    before.remedy = "{}";
    const auto to = tuned(put("cache", "{}"), before, kArn);
    ASSERT_FALSE(to);
    EXPECT_THAT(to.error().message, HasSubstr("AUTOTUNE_REMEDY"));
    before.remedy = R"({"handler":"h","timeout_s":1,"remedies":{"x":)" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}}";
    EXPECT_THAT(tuned(put("cache", "{}"), before, kArn).error().message, HasSubstr("nested more than 64 levels deep"));
    EXPECT_FALSE(tuned(put("cache", ""), plain(), kArn));
    EXPECT_FALSE(tuned(put("cache", "no json"), plain(), kArn));
}

TEST(Tuning, OnlyWhatDiffersIsSetAndOtherVariablesStay) {
    const Tuning to = tuned(put("cache", "{}"), plain(), kArn).value();
    const ConfigDelta on = difference(plain(), to, {{"A", "1"}});
    EXPECT_FALSE(on.memory_mb || on.timeout);
    EXPECT_EQ(on.environment->at("A"), "1");
    EXPECT_EQ(on.environment->at("AUTOTUNE_REMEDY"), to.remedy);
    const ConfigDelta off = difference(to, plain(), *on.environment);
    EXPECT_EQ(*off.environment, (std::map<std::string, std::string>{{"A", "1"}}));
    EXPECT_EQ(off.handler, "app.handler");
    EXPECT_EQ(off.layers, plain().layers);
    EXPECT_FALSE(difference(plain(), plain(), {}).environment);
}

TEST(Tuning, WhatSomebodyElseSetMeanwhileStays) {
    const Tuning wanted = tuned(put("cache", "{}"), plain(), kArn).value();
    EXPECT_EQ(taken_back(wanted, plain(), wanted), plain());
    EXPECT_EQ(taken_back(plain(), plain(), wanted), plain());
    Tuning now = wanted;
    now.handler = "theirs.handler";
    now.code_hash = "their code";
    Tuning expected = plain();
    expected.handler = "theirs.handler";
    expected.code_hash = "their code";
    EXPECT_EQ(taken_back(now, plain(), wanted), expected);
}

TEST(Tuning, ALayersNameStandsForItsContent) {
    const Tuning by_arn = tuned(put("cache", "{}"), plain(), kArn).value();
    EXPECT_TRUE(same_tuning(by_arn, tuned(put("cache", "{}"), plain(), "autotune-remedy-12ab").value()));
    EXPECT_EQ(differs(by_arn, tuned(put("cache", "{}"), plain(), "autotune-remedy-34cd").value()), "other layers than wanted");
    EXPECT_EQ(differs(tuned(Resize{128, 256}, plain(), "").value(), plain()), "memory 256 MB, wanted 128 MB");
}

}  // namespace
}  // namespace autotune
