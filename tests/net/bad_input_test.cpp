// What a server must live through.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>

#include "tests/net/raw_client.hpp"
#include "tests/net/running_server.hpp"

namespace autotune::net {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class BadInput : public testing::Test {
protected:
    RunningServer server_{
        [this](HttpRequest request, Responder responder) {
            ++handled_;
            responder.send({.status = 200, .headers = {}, .body = std::to_string(request.body.size())});
        },
        {.body_limit = 1000,
         .too_large =
             [](const HttpRequest& r) {
                 return HttpResponse{.status = 413,
                                     .headers = {{"X-Type", std::string(r.headers.get("X-Type"))}},
                                     .body = r.body.empty() ? r.target + " is too much" : "body kept"};
             },
         .header_timeout = std::chrono::seconds(5)}};
    std::atomic<int> handled_ = 0;

    // The server goes on.
    void TearDown() override {
        RawClient client(server_.port());
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        EXPECT_EQ(body_of(client.read_response()), "0");
    }
};

TEST_F(BadInput, BodyLargerThanTheLimitGetsTheOwnersAnswer) {
    RawClient client(server_.port());
    client.send("POST /big HTTP/1.1\r\nHost: h\r\nX-Type: kept\r\nContent-Length: 1001\r\n\r\n" +
                std::string(1001, 'x'));
    const auto all = client.read_to_end();
    EXPECT_THAT(all, StartsWith("HTTP/1.1 413 "));
    EXPECT_THAT(all, HasSubstr("X-Type: kept\r\n"));
    EXPECT_THAT(all, HasSubstr("Connection: close\r\n"));
    EXPECT_EQ(body_of(all), "/big is too much");
    EXPECT_EQ(handled_, 0);
}

TEST_F(BadInput, BodyAtTheLimitPasses) {
    RawClient client(server_.port());
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x'));
    EXPECT_EQ(body_of(client.read_response()), "1000");
}

TEST_F(BadInput, AClientThatSendsAllBeforeItReadsStillGetsTheAnswer) {
    const std::string much(7'000'000, 'x');
    RawClient client(server_.port());
    client.send("POST /big HTTP/1.1\r\nHost: h\r\nContent-Length: 7000000\r\n\r\n");
    EXPECT_EQ(client.send(much), much.size());
    client.stop_sending();
    EXPECT_EQ(body_of(client.read_to_end()), "/big is too much");
}

TEST_F(BadInput, ChunkedBodyIsStoppedWhenItHasGrownTooLarge) {
    RawClient client(server_.port());
    client.send("POST /chunks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 3; ++i) client.send("190\r\n" + std::string(0x190, 'x') + "\r\n");
    EXPECT_EQ(body_of(client.read_to_end()), "/chunks is too much");
    EXPECT_EQ(handled_, 0);
}

TEST_F(BadInput, ClientThatAsksFirstIsNotToldToContinue) {
    RawClient client(server_.port());
    client.send("POST /big HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n");
    client.stop_sending();
    EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 413 "));
}

TEST_F(BadInput, BodyCutOffClosesTheConnection) {
    RawClient client(server_.port());
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nonly this");
    client.stop_sending();
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_EQ(handled_, 0);
}

TEST_F(BadInput, HeadCutOffClosesTheConnection) {
    RawClient client(server_.port());
    client.send("GET / HTTP/1.1\r\nHo");
    client.stop_sending();
    EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(BadInput, MalformedRequestsAreTold) {
    for (const std::string_view bytes :
         {"GARBAGE\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
          "POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", "\x16\x03\x01\x02hello over TLS",
          "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnot-a-size\r\n",
          "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
          "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
        RawClient client(server_.port());
        client.send(bytes);
        client.stop_sending();
        EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 400 ")) << bytes;
    }
    EXPECT_EQ(handled_, 0);
}

TEST_F(BadInput, EndlessHeadersAreRefused) {
    RawClient client(server_.port());
    client.send("GET / HTTP/1.1\r\n");
    for (int i = 0; i < 70; ++i)
        client.send("X-" + std::to_string(i) + ": " + std::string(1000, 'y') + "\r\n");
    client.stop_sending();
    EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 431 "));
}

// In each the client's first bytes have come in time.
TEST(SlowInput, HeadThatNeverEndsIsGivenUp) {
    RunningServer server([](HttpRequest, Responder r) { r.send({}); },
                         {.header_timeout = std::chrono::milliseconds(30)});
    std::optional<RawClient> client;
    server.while_held([&] { client.emplace(server.port()).send("GET / HTTP/1.1\r\nHost:"); });
    EXPECT_EQ(client->read_to_end(), "");
}

TEST(SlowInput, BodyThatNeverEndsIsGivenUp) {
    RunningServer server([](HttpRequest, Responder r) { r.send({}); },
                         {.header_timeout = std::chrono::milliseconds(30)});
    std::optional<RawClient> client;
    server.while_held([&] {
        client.emplace(server.port()).send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nand then");
    });
    EXPECT_EQ(client->read_to_end(), "");
}

TEST(SlowInput, SilenceBetweenRequestsIsNoFault) {
    RunningServer server([](HttpRequest, Responder r) { r.send({}); },
                         {.header_timeout = std::chrono::milliseconds(20)});
    std::optional<RawClient> client;
    server.while_held([&] { client.emplace(server.port()).send("GET / HTTP/1.1\r\nHost: h\r\n\r\n"); });
    EXPECT_THAT(client->read_response(), StartsWith("HTTP/1.1 200"));
    std::promise<void> later;
    EventLoop::Timer timer;
    server.run_there(
        [&] { timer = server.loop().after(std::chrono::milliseconds(100), [&] { later.set_value(); }); });
    later.get_future().wait();
    client->send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_THAT(client->read_response(), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace autotune::net
