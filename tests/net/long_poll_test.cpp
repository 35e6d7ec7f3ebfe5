// Answers that come later than the handler returns.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <list>
#include <optional>

#include "tests/net/raw_client.hpp"
#include "tests/net/running_server.hpp"

namespace autotune::net {
namespace {

using testing::StartsWith;

HttpResponse with_body(std::string body) { return {.status = 200, .headers = {}, .body = std::move(body)}; }

// GET /next is kept until somebody POSTs; the POST's body is its answer.
class Mailbox {
public:
    Handler handler() {
        return [this](HttpRequest request, Responder responder) {
            if (request.method == "POST") {
                const bool was_waiting = waiting_.has_value();
                if (was_waiting) std::exchange(waiting_, std::nullopt)->send(with_body(request.body));
                return responder.send(with_body(was_waiting ? "delivered" : "nobody"));
            }
            responder.on_peer_gone([this] {
                waiting_.reset();
                left_.set_value();
            });
            waiting_ = std::move(responder);
            arrived_.set_value();
        };
    }
    void wait_for_arrival() { arrived_.get_future().wait(); }
    void wait_for_leaving() { left_.get_future().wait(); }

private:
    std::optional<Responder> waiting_;
    std::promise<void> arrived_, left_;
};

constexpr std::string_view kLarge = "POST /next HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n123456789";
constexpr std::string_view kNext = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kPost = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nwork";

TEST(LongPoll, IsAnsweredLaterWhileOthersAreServed) {
    Mailbox mailbox;
    RunningServer server(mailbox.handler());
    RawClient poller(server.port());
    poller.send(kNext);
    mailbox.wait_for_arrival();

    RawClient poster(server.port());
    poster.send(kPost);
    EXPECT_EQ(body_of(poster.read_response()), "delivered");
    EXPECT_EQ(body_of(poller.read_response()), "work");
}

TEST(LongPoll, LearnsThatThePeerHasGone) {
    Mailbox mailbox;
    RunningServer server(mailbox.handler());
    RawClient poller(server.port());
    poller.send(kNext);
    mailbox.wait_for_arrival();
    poller.close();
    mailbox.wait_for_leaving();

    RawClient poster(server.port());
    poster.send(kPost);
    EXPECT_EQ(body_of(poster.read_response()), "nobody");
}

TEST(LongPoll, LearnsThatThePeerHasGoneBehindPipelinedRequests) {
    Mailbox mailbox;
    RunningServer server(mailbox.handler());
    RawClient poller(server.port());
    poller.send(std::string(kNext) + std::string(kPost));
    mailbox.wait_for_arrival();
    poller.close();
    mailbox.wait_for_leaving();
}

TEST(LongPoll, AnswersPipelinedRequestsInOrder) {
    std::promise<Responder> first;
    std::string seen;
    RunningServer server([&](HttpRequest request, Responder responder) {
        seen += request.target;
        if (request.target == "/1") return first.set_value(std::move(responder));
        responder.send(with_body("answer to " + request.target));
    });
    RawClient client(server.port());
    client.send(
        "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HTTP/1.1\r\nHost: "
        "h\r\n\r\n");
    Responder responder = first.get_future().get();
    server.run_there([&] {
        EXPECT_EQ(seen, "/1") << "the second waits for the first one's answer";
        responder.send(with_body("answer to /1"));
    });
    EXPECT_EQ(body_of(client.read_response()), "answer to /1");
    EXPECT_EQ(body_of(client.read_response()), "answer to /2");
    EXPECT_EQ(body_of(client.read_response()), "answer to /3");
}

TEST(LongPoll, SaysWhetherTheAnswerWasSent) {
    std::promise<Responder> asked;
    RunningServer server([&](HttpRequest, Responder responder) { asked.set_value(std::move(responder)); });
    RawClient client(server.port());
    client.send(kNext);
    Responder responder = asked.get_future().get();
    std::promise<bool> sent;
    bool inside = true;
    server.run_there([&] {
        responder.send(with_body("x"), [&](bool reached) {
            EXPECT_FALSE(inside) << "never inside send()";
            sent.set_value(reached);
        });
        responder.send(with_body("a second answer"));
        inside = false;
    });
    EXPECT_TRUE(sent.get_future().get());
    EXPECT_EQ(body_of(client.read_response()), "x");
}

TEST(LongPoll, SaysThatAnAnswerReachesNobody) {
    std::promise<Responder> asked;
    RunningServer server([&](HttpRequest, Responder responder) { asked.set_value(std::move(responder)); });
    RawClient client(server.port());
    client.send(kNext);
    Responder responder = asked.get_future().get();
    client.close();

    std::promise<void> gone;
    server.run_there([&] { responder.on_peer_gone([&] { gone.set_value(); }); });
    gone.get_future().wait();
    std::promise<bool> sent;
    server.run_there([&] {
        EXPECT_TRUE(responder.peer_gone());
        responder.send(with_body("x"), [&](bool reached) { sent.set_value(reached); });
    });
    EXPECT_FALSE(sent.get_future().get());
}

// Not asked by connecting: what is given back may be another process's at once.
bool has_listener(std::uint16_t port) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        const int fd = std::stoi(entry.path().filename());
        int listens = 0;
        socklen_t size = sizeof listens;
        if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) continue;
        sockaddr_in at{};
        size = sizeof at;
        if (::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0 && ntohs(at.sin_port) == port) return true;
    }
    return false;
}

TEST(LongPoll, IsCutWhenTheServerIsDestroyed) {
    std::promise<Responder> asked;
    RunningServer server([&](HttpRequest, Responder responder) { asked.set_value(std::move(responder)); });
    RawClient client(server.port());
    client.send(kNext);
    Responder responder = asked.get_future().get();
    EXPECT_TRUE(has_listener(server.port()));
    server.destroy_server();
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_FALSE(has_listener(server.port()));
    server.run_there([&] {
        responder.on_peer_gone([] { FAIL() << "no callback after the server's end"; });
        responder.send(with_body("x"), [](bool) { FAIL() << "no callback after the server's end"; });
    });
}

TEST(LongPoll, OutlivesTheHeaderTimeout) {
    std::promise<Responder> asked;
    RunningServer server([&](HttpRequest, Responder responder) { asked.set_value(std::move(responder)); },
                         {.header_timeout = std::chrono::milliseconds(20)});
    std::optional<RawClient> client;
    server.while_held([&] { client.emplace(server.port()).send(kNext); });  // it has come in time
    Responder responder = asked.get_future().get();
    EventLoop::Timer later;
    server.run_there([&] {
        later =
            server.loop().after(std::chrono::milliseconds(100), [&] { responder.send(with_body("late")); });
    });
    EXPECT_EQ(body_of(client->read_response()), "late");
}

// All requests are there: those of others have been read when the first one's handler ends the server.
TEST(LongPoll, AServerThatWasDestroyedHandlesNothingMore) {
    for (const std::string_view others : {kNext, kLarge}) {
        RunningServer* running = nullptr;
        std::atomic<int> handled = 0, refused = 0;
        const auto destroy = [&](HttpRequest, Responder) {
            ++handled;
            running->destroy_server_here();
        };
        const auto too_large = [&](const HttpRequest&) {
            ++refused;
            return HttpResponse{};
        };
        RunningServer server(destroy, {.body_limit = 1, .too_large = too_large});
        running = &server;
        std::list<RawClient> clients;
        server.while_held([&] {
            clients.emplace_back(server.port()).send(kNext);
            for (int i = 0; i < 20; ++i) clients.emplace_back(server.port()).send(others);
        });
        (void)clients.front().read_to_end();
        server.run_there([] {});
        EXPECT_EQ(handled, 1);
        EXPECT_EQ(refused, 0);
    }
}

TEST(LongPoll, AHandlerMayDestroyTheServer) {
    RunningServer* server = nullptr;
    std::promise<void> set;
    auto is_set = set.get_future().share();
    RunningServer running([&](HttpRequest, Responder responder) {
        is_set.wait();
        server->destroy_server_here();
        responder.send(with_body("to nobody"));
    });
    server = &running;
    set.set_value();
    RawClient client(running.port());
    client.send(kNext);
    EXPECT_EQ(client.read_to_end(), "");
}

}  // namespace
}  // namespace autotune::net
