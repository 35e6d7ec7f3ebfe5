#include "host/breaks/breaks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace autotune::host {
namespace {

using testing::ElementsAre;

// The loop never runs: all happens in the calls.
class Breaking : public ::testing::Test {
protected:
    static InvokeRequest invocation(const std::string& function, const std::string& qualifier = "live",
                                    const std::string& version = "1") {
        auto snapshot = std::make_shared<FunctionVersion>();
        snapshot->name = function;
        snapshot->version = version;
        InvokeRequest request;
        request.function = snapshot;
        request.invoked_arn = "arn:aws:lambda:us-east-1:0:function:" + function + ":" + qualifier;
        return request;
    }
    void listen(const std::string& id, std::uint64_t seen) {
        listening = breaks.listen(id, seen, [this](const BreakView& view, std::uint64_t number) {
            told.push_back(view.stage);
            newest = number;
        });
    }
    // A break of "hello" that is claimed and told as held.
    std::shared_ptr<Break> held() {
        auto claimed = breaks.claim(invocation("hello"));
        claimed->when_let_go([this](std::string_view why) { let_go = why; });
        claimed->tell([](BreakView& view) { view.stage = BreakStage::held; });
        return claimed;
    }

    net::EventLoop loop;
    Breaks breaks{loop};
    bool listening = false;
    std::vector<BreakStage> told;
    std::uint64_t newest = 0;
    std::optional<std::string> let_go;
};

TEST_F(Breaking, HoldsOneInvocationOfTheFunction) {
    breaks.add({.function = "hello"});
    EXPECT_EQ(breaks.claim(invocation("other")), nullptr);
    EXPECT_NE(breaks.claim(invocation("hello")), nullptr);
    EXPECT_EQ(breaks.claim(invocation("hello")), nullptr) << "one request, one invocation";
}

TEST_F(Breaking, AQualifierIsTheAliasOrTheVersion) {
    breaks.add({.function = "hello", .qualifier = "live"});
    breaks.add({.function = "hello", .qualifier = "7"});
    EXPECT_EQ(breaks.claim(invocation("hello", "canary", "6")), nullptr);
    EXPECT_EQ(breaks.claim(invocation("hello", "not-live")), nullptr);
    EXPECT_NE(breaks.claim(invocation("hello", "canary", "7")), nullptr);
    EXPECT_NE(breaks.claim(invocation("hello", "live", "8")), nullptr);
}

TEST_F(Breaking, TellsWhatIsNewAtOnceAndWhatComesLater) {
    const auto id = breaks.add({.function = "hello"});
    listen(id, 0);
    EXPECT_THAT(told, ElementsAre(BreakStage::waiting));
    listen(id, newest);
    EXPECT_EQ(told.size(), 1U) << "nothing new";
    const auto claimed = held();
    EXPECT_THAT(told, ElementsAre(BreakStage::waiting, BreakStage::held));
    claimed->tell([](BreakView& view) { view.stage = BreakStage::running; });
    listen(id, newest);
    EXPECT_EQ(told.back(), BreakStage::running) << "it happened while nobody listened";
}

TEST_F(Breaking, EndsWithItsLastWord) {
    const auto id = breaks.add({.function = "hello"});
    held()->tell([](BreakView& view) { view.stage = BreakStage::ended; });
    listen(id, 0);
    EXPECT_THAT(told, ElementsAre(BreakStage::ended));
    listen(id, newest);
    EXPECT_FALSE(listening);
}

TEST_F(Breaking, LetsGoWhenItIsRemoved) {
    const auto id = breaks.add({.function = "hello"});
    const auto claimed = held();
    listen(id, 99);
    EXPECT_TRUE(breaks.remove(id, "because"));
    EXPECT_EQ(let_go, "because");
    EXPECT_TRUE(told.empty());
    EXPECT_FALSE(breaks.remove(id, "because"));
    claimed->tell([](BreakView& view) { view.stage = BreakStage::ended; });  // the sandbox need not know
}

TEST_F(Breaking, NeverHoldsForNobody) {
    const auto id = breaks.add({.function = "hello"});
    breaks.remove(id, "because");
    EXPECT_EQ(breaks.claim(invocation("hello")), nullptr);
}

}  // namespace
}  // namespace autotune::host
