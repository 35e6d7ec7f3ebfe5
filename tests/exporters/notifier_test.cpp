#include "exporters/notifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/exporters/builders.hpp"
#include "tests/net/running_server.hpp"

namespace autotune::exporters {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class FixedClock final : public Clock {
public:
    Timestamp now() const override { return from_ns(100'000'000'000); }
    WallTime wall() const override { return at_second(0); }
};

// A receiver that keeps what it got and answers as told, 200 when nothing more is told.
class Receiver {
public:
    explicit Receiver(std::vector<int> statuses = {}) : statuses_(std::move(statuses)) {}

    std::vector<std::string> wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(came_.wait_for(lock, std::chrono::seconds(60), [&] { return functions_.size() >= count; }));
        return functions_;
    }
    std::string url() { return server_.base() + "/hook?team=a"; }

private:
    void take(const net::HttpRequest& request, net::Responder responder) {
        EXPECT_EQ(request.method, "POST");
        EXPECT_EQ(request.target, "/hook?team=a");
        EXPECT_EQ(request.headers.get("Content-Type"), "application/json");
        {
            const std::lock_guard lock(mutex_);
            functions_.push_back(nlohmann::json::parse(request.body)["alerts"][0]["labels"]["function"]);
        }
        came_.notify_all();
        if (statuses_.empty()) return responder.send({});
        responder.send({.status = statuses_.front(), .headers = {}, .body = {}});
        statuses_.erase(statuses_.begin());
    }
    std::mutex mutex_;
    std::condition_variable came_;
    std::vector<std::string> functions_;
    std::vector<int> statuses_;
    net::RunningServer server_{
        [this](net::HttpRequest request, net::Responder responder) { take(request, std::move(responder)); }};
};

class NotifierTest : public testing::Test {
protected:
    std::unique_ptr<WebhookNotifier> webhook(WebhookOptions options) {
        options.retry.base = milliseconds(1);
        options.retry.cap = milliseconds(2);
        return WebhookNotifier::create(clock_, std::move(options)).value();
    }
    static void tell(Sink& sink, const std::string& function,
                     Disposition disposition = Disposition::notified) {
        Action action = notify_action();
        action.target.name = function;
        const Outcome outcome = outcome_of(action, disposition);
        ASSERT_TRUE(sink.publish({.at = at_second(0), .outcomes = std::span(&outcome, 1)}));
    }
    FixedClock clock_;
};

TEST_F(NotifierTest, PrintsABlockAMessage) {
    std::FILE* out = std::tmpfile();
    StdoutNotifier notifier(clock_, out);
    tell(notifier, "orders");
    tell(notifier, "silent", Disposition::in_progress);
    tell(notifier, "payments");
    std::rewind(out);
    std::string text(4096, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), out));
    std::fclose(out);
    EXPECT_THAT(text, HasSubstr("[critical] orders: "));
    EXPECT_THAT(text, HasSubstr("\n\n[critical] payments: "));
    EXPECT_THAT(text, Not(HasSubstr("silent")));
}

TEST_F(NotifierTest, SaysThatItCouldNotPrint) {
    std::FILE* full = std::fopen("/dev/full", "w");
    ASSERT_NE(full, nullptr);
    StdoutNotifier notifier(clock_, full);
    const Outcome outcome = outcome_of(notify_action(), Disposition::notified);
    EXPECT_EQ(notifier.publish({.outcomes = std::span(&outcome, 1)}).error().code, Errc::unavailable);
    std::fclose(full);
}

TEST_F(NotifierTest, PostsEachMessageInOrder) {
    Receiver receiver;
    const auto notifier = webhook({.url = receiver.url()});
    tell(*notifier, "a");
    tell(*notifier, "not worth it", Disposition::planned);
    tell(*notifier, "b");
    EXPECT_THAT(receiver.wait_for(2), ElementsAre("a", "b"));
}

TEST_F(NotifierTest, TriesAgainWhileTheReceiverIsIll) {
    Receiver receiver({503, 429, 200});
    auto notifier = webhook({.url = receiver.url()});
    tell(*notifier, "a");
    EXPECT_THAT(receiver.wait_for(3), ElementsAre("a", "a", "a"));
    tell(*notifier, "b");
    receiver.wait_for(4);
    const auto counts = notifier->counts();
    EXPECT_EQ(counts.retries, 2u);
    EXPECT_EQ(counts.dropped, 0u);
    EXPECT_GE(counts.delivered, 1u);
    EXPECT_THAT(counts.last_error, HasSubstr("answered 429"));
}

TEST_F(NotifierTest, DropsWhatTheReceiverRefusesForGood) {
    Receiver receiver({400});
    auto notifier = webhook({.url = receiver.url()});
    tell(*notifier, "a");
    tell(*notifier, "b");
    EXPECT_THAT(receiver.wait_for(2), ElementsAre("a", "b"));
    EXPECT_EQ(notifier->counts().dropped, 1u);
    EXPECT_EQ(notifier->counts().retries, 0u);
}

TEST_F(NotifierTest, TellsTheSameOnceAndAgainWhenItDidNotArrive) {
    Receiver receiver({400, 200});
    auto notifier = webhook({.url = receiver.url()});
    tell(*notifier, "a");
    receiver.wait_for(1);
    while (notifier->counts().dropped == 0) std::this_thread::sleep_for(milliseconds(1));
    tell(*notifier, "a");
    receiver.wait_for(2);
    while (notifier->counts().delivered == 0) std::this_thread::sleep_for(milliseconds(1));
    tell(*notifier, "a");
    tell(*notifier, "b");
    EXPECT_THAT(receiver.wait_for(3), ElementsAre("a", "a", "b"));
    EXPECT_EQ(notifier->counts().repeated, 1u);
}

TEST_F(NotifierTest, GivesUpAfterItsTries) {
    Receiver receiver({500, 500, 200});
    auto notifier = webhook({.url = receiver.url(), .retry = {.attempts = 2}});
    tell(*notifier, "a");
    tell(*notifier, "b");
    EXPECT_THAT(receiver.wait_for(3), ElementsAre("a", "a", "b"));
    EXPECT_EQ(notifier->counts().dropped, 1u);
}

TEST_F(NotifierTest, DeliversWhatIsQueuedBeforeItEnds) {
    Receiver receiver;
    auto notifier = webhook({.url = receiver.url(), .flush_limit = std::chrono::seconds(60)});
    for (int i = 0; i < 20; ++i) tell(*notifier, std::to_string(i));
    notifier.reset();
    EXPECT_EQ(receiver.wait_for(20).size(), 20u);
}

TEST_F(NotifierTest, EndsInBoundedTimeWhenNobodyAnswersAndCountsDrops) {
    std::vector<net::Responder> kept;
    net::RunningServer silent([&](net::HttpRequest, net::Responder r) { kept.push_back(std::move(r)); });
    auto notifier = webhook({.url = silent.base(),
                             .queue_limit = 2,
                             .http = {.timeout = std::chrono::seconds(60)},
                             .flush_limit = milliseconds(10)});
    for (int i = 0; i < 9; ++i) tell(*notifier, std::to_string(i));
    EXPECT_GE(notifier->counts().dropped, 6u) << "two wait, one is on its way";
    EXPECT_EQ(notifier->counts().last_error, "the queue is full");
    const auto before = std::chrono::steady_clock::now();
    notifier.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(30));
    silent.destroy_server();
}

TEST_F(NotifierTest, RefusesAUrlThatIsNone) {
    EXPECT_EQ(WebhookNotifier::create(clock_, {.url = "hooks.example.org"}).error().code,
              Errc::invalid_argument);
    EXPECT_EQ(WebhookNotifier::create(clock_, {.url = "nats://h:4222/x"}).error().code,
              Errc::invalid_argument);
}

}  // namespace
}  // namespace autotune::exporters
