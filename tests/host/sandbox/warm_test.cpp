// Sandboxes that are initialised ahead and kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "host/sandbox/warm_set.hpp"
#include "os/file.hpp"
#include "tests/host/sandbox/sandbox_world.hpp"

namespace autotune::host {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Kind = InvokeResult::Kind;

// Tells by whom it is served, and how that one was started; naps and dies if it is told to.
constexpr auto kWho = R"(
import os, time
def handler(event, context):
    time.sleep(event.get('nap', 0))
    if event.get('die'): os._exit(1)
    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'] + ' ' + str(os.getpid())
)";

class WarmSandboxes : public SandboxWorld {
protected:
    FunctionVersionPtr published(const std::string& version = "1", const std::string& source = kWho) {
        auto function = python("kept-" + version, source);
        function->name = "kept";
        function->arn = "arn:aws:lambda:us-east-1:000000000000:function:kept";
        function->version = version;
        return function;
    }
    void keep(const FunctionVersionPtr& function, std::uint32_t count) {
        on_loop([&] { pool().keep_warm({function, "live", count}); });
    }
    WarmState state(const FunctionVersionPtr& function) {
        return on_loop([&] { return pool().warm_state(*function, "live"); });
    }
    bool ready(const FunctionVersionPtr& function, std::uint32_t count) {
        return eventually([&] {
            const WarmState now = pool().warm_state(*function, "live");
            return now.available == count && now.allocated == count && now.reached;
        });
    }
    InvokeResult call(const FunctionVersionPtr& function, const std::string& qualifier, const std::string& payload = "{}") {
        return finish(begin_as(function, qualifier, payload));
    }
    std::future<InvokeResult> begin_as(const FunctionVersionPtr& function, const std::string& qualifier, const std::string& payload) {
        auto answer = std::make_shared<std::promise<InvokeResult>>();
        const std::string arn = function->arn + (qualifier.empty() ? "" : ":" + qualifier);
        loop.post([=, this, id = next_request_id()] {
            pool().invoke({.function = function, .request_id = id, .invoked_arn = arn, .payload = payload},
                          [answer](InvokeResult result) { answer->set_value(std::move(result)); });
        });
        return answer->get_future();
    }
};

TEST_F(WarmSandboxes, ServeTheCallsOfTheirAliasWithoutAStart) {
    const auto function = published();
    keep(function, 2);
    EXPECT_FALSE(state(function).reached);
    ASSERT_TRUE(ready(function, 2));
    auto first = begin_as(function, "live", R"({"nap":0.5})"), second = begin_as(function, "live", R"({"nap":0.5})");
    std::set<std::string> who;
    for (auto* one : {&first, &second}) {
        const InvokeResult result = finish(std::move(*one));
        EXPECT_THAT(result.payload, HasSubstr("provisioned-concurrency "));
        EXPECT_THAT(result.log_tail, Not(HasSubstr("Init Duration")));
        who.insert(result.payload);
    }
    EXPECT_EQ(who.size(), 2u);
    EXPECT_TRUE(who.contains(call(function, "live").payload)) << "they stay";
    EXPECT_EQ(sandboxes(), 2U);
}

TEST_F(WarmSandboxes, OtherCallsAndMoreOfThemAreServedAsEver) {
    const auto function = published();
    keep(function, 1);
    ASSERT_TRUE(ready(function, 1));
    EXPECT_THAT(call(function, "1").payload, HasSubstr("on-demand")) << "by its version, not by the alias";
    auto busy = begin_as(function, "live", R"({"nap":1})");
    EXPECT_THAT(call(function, "live").payload, HasSubstr("on-demand")) << "the only one is busy";
    finish(std::move(busy));
    // It comes first, as soon as it has asked for work again.
    bool first = false;
    for (int i = 0; i < 50 && !first; ++i) first = call(function, "live").payload.find("provisioned") != std::string::npos;
    EXPECT_TRUE(first);
}

TEST_F(WarmSandboxes, NeverGrowOld) {
    limits.idle_timeout = std::chrono::milliseconds(50);
    const auto function = published();
    keep(function, 1);
    ASSERT_TRUE(ready(function, 1));
    const std::string who = call(function, "live").payload;
    call(function, "1");
    EXPECT_TRUE(eventually([&] { return pool().count().sandboxes == 1; })) << "the one that is not kept goes";
    EXPECT_EQ(call(function, "live").payload, who);
}

TEST_F(WarmSandboxes, AreReplacedWhenTheyDie) {
    const auto function = published();
    keep(function, 2);
    ASSERT_TRUE(ready(function, 2));
    EXPECT_EQ(call(function, "live", R"({"die":true})").kind, Kind::function_error);
    EXPECT_TRUE(eventually([&] { return pool().warm_state(*function, "live").available < 2; }));
    EXPECT_TRUE(ready(function, 2));
    EXPECT_TRUE(state(function).failure.empty());
}

TEST_F(WarmSandboxes, AreAsManyAsWasOrderedLast) {
    const auto function = published();
    keep(function, 3);
    ASSERT_TRUE(ready(function, 3));
    keep(function, 1);
    EXPECT_TRUE(ready(function, 1));
    EXPECT_TRUE(eventually([&] { return pool().count().sandboxes == 1; }));
    const auto next = published("2");
    keep(next, 2);
    keep(function, 0);
    EXPECT_TRUE(ready(next, 2));
    EXPECT_TRUE(eventually([&] { return pool().count().sandboxes == 2; }));
    keep(next, 0);
    EXPECT_TRUE(all_gone());
}

TEST_F(WarmSandboxes, ThatAreNotWantedAnyMoreFinishFirst) {
    const auto function = published();
    keep(function, 1);
    ASSERT_TRUE(ready(function, 1));
    auto busy = begin_as(function, "live", R"({"nap":0.5})");
    ASSERT_TRUE(eventually([&] { return pool().count().busy == 1; }));
    keep(function, 0);
    EXPECT_EQ(finish(std::move(busy)).kind, Kind::ok);
    EXPECT_TRUE(all_gone());
}

TEST_F(WarmSandboxes, ThatCannotStartAreToldAndTriedAgain) {
    const auto function = published("1", "raise ValueError('no')\n");
    keep(function, 1);
    ASSERT_TRUE(eventually([&] { return !pool().warm_state(*function, "live").failure.empty(); }));
    EXPECT_EQ(state(function).failure, "FUNCTION_ERROR_INIT_FAILURE");
    EXPECT_FALSE(state(function).reached);
    write_text(function->code / "app.py", kWho);  // as a dependency that is back
    EXPECT_TRUE(ready(function, 1));
    EXPECT_TRUE(state(function).failure.empty());
}

// They start side by side: a moment without what they need is one failure, however many of them it meets.
TEST_F(WarmSandboxes, ThatFailTogetherFailedOnce) {
    const auto function = published("1", "raise ValueError('no')\n");
    keep(function, 4);
    ASSERT_TRUE(eventually([&] { return pool().count().sandboxes == 0; }));
    EXPECT_TRUE(state(function).failure.empty());
    write_text(function->code / "app.py", kWho);
    EXPECT_TRUE(ready(function, 4));
}

TEST(WarmCalls, AreThoseWithTheirQualifier) {
    const std::string arn = "arn:aws:lambda:us-east-1:000000000000:function:live";
    EXPECT_TRUE(is_qualified(arn + ":live", "live"));
    EXPECT_FALSE(is_qualified(arn, "live")) << "its name";
    EXPECT_FALSE(is_qualified(arn + ":1", "live"));
    EXPECT_FALSE(is_qualified("live", "live"));
}

}  // namespace
}  // namespace autotune::host
