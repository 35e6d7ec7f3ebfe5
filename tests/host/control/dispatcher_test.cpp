#include "host/control/dispatcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/host/control/fake_invoker.hpp"
#include "tests/host/control/support.hpp"

namespace autotune::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = InvokeResult::Kind;

// Moves only when told to.
class SteppedClock final : public Clock {
public:
    [[nodiscard]] Timestamp now() const override { return from_ns(0) + elapsed; }
    [[nodiscard]] WallTime wall() const override { return {}; }
    Nanos elapsed{0};
};

class Dispatching : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(store_.create(a_function("shop")));
        ASSERT_TRUE(store_.create(a_function("other")));
        dispatcher_.use(invoker_);
    }
    static DispatcherOptions options() {
        DispatcherOptions options;
        options.concurrency = 3;
        options.event_retry_delay = std::chrono::milliseconds(1);
        options.throttle_delay = std::chrono::milliseconds(1);
        options.event_limit = 2;
        return options;
    }
    Call call(const char* function = "shop", const char* payload = "{}") {
        Call call;
        call.configuration = *store_.resolve({function, ""});
        call.request_id = "id";
        call.payload = payload;
        return call;
    }
    std::string started(const char* function = "shop") {
        return fault_of(dispatcher_.invoke(call(function),
                                           [this](const InvokeResult& r) { results_.push_back(r.kind); }));
    }
    // Runs the loop until the invoker was asked `count` times.
    void run_until_asked(std::size_t count) {
        const auto enough = loop_.after(std::chrono::seconds(60), [this] {
            ADD_FAILURE() << "asked " << invoker_.asked.size() << " times only";
            loop_.stop();
        });
        invoker_.when_asked = [this, count] {
            if (invoker_.asked.size() >= count) loop_.stop();
        };
        loop_.run();
    }

    net::EventLoop loop_;
    SteppedClock clock_;
    FunctionStore store_{Home{}, clock_, counting_ids()};
    FakeInvoker invoker_;
    std::vector<Kind> results_;
    Dispatcher dispatcher_{loop_, clock_, store_, {.code = [](const Code& code) { return "/code/" + code.sha256; }},
                           options()};
};

TEST_F(Dispatching, TellsTheInvokerWhatToRun) {
    EXPECT_EQ(started(), "(no error)");
    const auto& function = *invoker_.asked.at(0).function;
    EXPECT_EQ(function.name, "shop");
    EXPECT_EQ(function.version, "$LATEST");
    EXPECT_EQ(function.arn, "arn:aws:lambda:us-east-1:000000000000:function:shop");
    EXPECT_EQ(function.code, "/code/c29tZSBjb2Rl");
    EXPECT_EQ(function.timeout, std::chrono::seconds(3));
    EXPECT_EQ(function.memory_mb, 128u);
}

TEST_F(Dispatching, GivesOneSnapshotForOneVersionSoSandboxesStayWarm) {
    EXPECT_EQ(started(), "(no error)");
    EXPECT_EQ(started(), "(no error)");
    EXPECT_EQ(invoker_.asked.at(0).function, invoker_.asked.at(1).function);
}

TEST_F(Dispatching, RetiresASnapshotOnce) {
    EXPECT_EQ(started(), "(no error)");
    const auto old = call().configuration;
    dispatcher_.retire(old);
    dispatcher_.retire(old);
    EXPECT_THAT(invoker_.retired, ElementsAre("shop:$LATEST"));
    EXPECT_EQ(started(), "(no error)");
    EXPECT_NE(invoker_.asked.at(0).function, invoker_.asked.at(1).function);
}

TEST_F(Dispatching, ThrottlesBeyondTheReservation) {
    ASSERT_TRUE(store_.reserve_concurrency("shop", 1));
    EXPECT_EQ(started(), "(no error)");
    EXPECT_EQ(started(), "TooManyRequestsException: Rate Exceeded.");
    invoker_.answer_all(Kind::ok);
    EXPECT_EQ(started(), "(no error)");
    ASSERT_TRUE(store_.reserve_concurrency("shop", 0));
    EXPECT_EQ(started(), "TooManyRequestsException: Rate Exceeded.")
        << "a reservation of none switches it off";
}

TEST_F(Dispatching, KeepsAReservationFreeForItsFunction) {
    ASSERT_TRUE(store_.reserve_concurrency("shop", 2));
    EXPECT_EQ(dispatcher_.unreserved(), 1u);
    EXPECT_EQ(started("other"), "(no error)");
    EXPECT_EQ(started("other"), "TooManyRequestsException: Rate Exceeded.");
    EXPECT_EQ(started("shop"), "(no error)");
    EXPECT_EQ(started("shop"), "(no error)");
}

TEST_F(Dispatching, RunsAnEventLaterAndOnceWhenItSucceeds) {
    ASSERT_TRUE(dispatcher_.enqueue(call()));
    EXPECT_THAT(invoker_.asked, IsEmpty()) << "the caller is answered first";
    invoker_.answers = {Kind::ok};
    run_until_asked(1);
    EXPECT_EQ(invoker_.asked.size(), 1u);
}

TEST_F(Dispatching, TriesAFailedEventTwiceMore) {
    invoker_.answers = {Kind::function_error, Kind::function_error, Kind::function_error};
    ASSERT_TRUE(dispatcher_.enqueue(call("shop", "1")));
    run_until_asked(3);
    ASSERT_EQ(invoker_.asked.size(), 3u);
    EXPECT_EQ(invoker_.asked[2].request_id, "id") << "the same invocation, again";
    // It is forgotten now: two more fit in again.
    EXPECT_TRUE(dispatcher_.enqueue(call()));
    EXPECT_TRUE(dispatcher_.enqueue(call()));
}

TEST_F(Dispatching, TriesAThrottledEventUntilItRuns) {
    invoker_.answers = {Kind::throttled, Kind::host_failure, Kind::throttled, Kind::throttled, Kind::ok};
    ASSERT_TRUE(dispatcher_.enqueue(call()));
    run_until_asked(5);
    EXPECT_EQ(invoker_.asked.size(), 5u);
}

TEST_F(Dispatching, GivesAnEventUpWhenItIsTooOld) {
    invoker_.answers = {Kind::throttled};
    invoker_.when_asked = [this] {
        clock_.elapsed = std::chrono::hours(7);
        loop_.stop();
    };
    ASSERT_TRUE(dispatcher_.enqueue(call()));
    loop_.run();
    EXPECT_TRUE(dispatcher_.enqueue(call()));
    EXPECT_TRUE(dispatcher_.enqueue(call())) << "the old one has left the queue";
}

TEST_F(Dispatching, RunsAnEventOnLatestAsItIsByThen) {
    ASSERT_TRUE(dispatcher_.enqueue(call()));
    SettingsDelta bigger;
    bigger.memory_mb = 512;
    ASSERT_TRUE(store_.update_settings("shop", bigger, ""));
    invoker_.answers = {Kind::ok};
    run_until_asked(1);
    EXPECT_EQ(invoker_.asked.at(0).function->memory_mb, 512u);
}

TEST_F(Dispatching, RefusesMoreEventsThanItCanKeep) {
    EXPECT_TRUE(dispatcher_.enqueue(call()));
    EXPECT_TRUE(dispatcher_.enqueue(call()));
    EXPECT_THAT(fault_of(dispatcher_.enqueue(call())), HasSubstr("TooManyRequestsException: "));
}

}  // namespace
}  // namespace autotune::host
