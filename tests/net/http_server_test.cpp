#include "net/http_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/raw_client.hpp"
#include "tests/net/running_server.hpp"

namespace autotune::net {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

void echo(HttpRequest request, Responder responder) {
    responder.send({.status = 200,
                    .headers = {{"X-Method", request.method}},
                    .body = request.target + "|" + request.body});
}

TEST(HttpServer, AnswersRequestAfterRequestOnOneConnection) {
    RunningServer server(echo);
    RawClient client(server.port());
    for (const std::string path : {"/one", "/two?x=1", "/three"}) {
        client.send("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
        const auto response = client.read_response();
        EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
        EXPECT_THAT(response, HasSubstr("X-Method: GET\r\n"));
        EXPECT_THAT(response, Not(HasSubstr("Connection:")));
        EXPECT_EQ(body_of(response), path + "|");
    }
}

TEST(HttpServer, TakesARequestThatComesByteByByte) {
    RunningServer server(echo);
    RawClient client(server.port());
    for (const char c : std::string_view("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"))
        client.send({&c, 1});
    EXPECT_EQ(body_of(client.read_response()), "/x|abc");
}

TEST(HttpServer, PutsChunkedBodiesTogether) {
    RunningServer server(echo);
    RawClient client(server.port());
    client.send("POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n");
    client.send("5;note=x\r\npedia\r\n0\r\nTrailer: t\r\n\r\n");
    EXPECT_EQ(body_of(client.read_response()), "/c|Wikipedia");
    client.send("GET /after HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(body_of(client.read_response()), "/after|");
}

TEST(HttpServer, SaysContinueToAClientThatWaitsForIt) {
    RunningServer server(echo);
    RawClient client(server.port());
    client.send("PUT /e HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(client.read_response(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hi");
    EXPECT_EQ(body_of(client.read_response()), "/e|hi");
}

TEST(HttpServer, DoesNotSayContinueWhenTheBodyIsThereAlready) {
    RunningServer server(echo);
    RawClient client(server.port());
    client.send("PUT /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi");
    EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 200 OK"));
}

TEST(HttpServer, RefusesOtherExpectations) {
    RunningServer server(echo);
    RawClient client(server.port());
    client.send("PUT /e HTTP/1.1\r\nHost: h\r\nExpect: a miracle\r\nContent-Length: 2\r\n\r\n");
    EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 417 "));
}

TEST(HttpServer, AnswersHeadWithTheLengthButNoBody) {
    RunningServer server(echo);
    RawClient client(server.port());
    client.send("HEAD /abc HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const auto all = client.read_to_end();
    EXPECT_THAT(all, HasSubstr("Content-Length: 5\r\n"));
    EXPECT_THAT(all, HasSubstr("Connection: close\r\n"));
    EXPECT_THAT(all, EndsWith("\r\n\r\n"));
}

TEST(HttpServer, SpeaksHttp10) {
    RunningServer server(echo);
    RawClient plain(server.port());
    plain.send("GET /old HTTP/1.0\r\n\r\n");
    EXPECT_THAT(plain.read_to_end(), EndsWith("/old|"));

    RawClient lasting(server.port());
    for (int i = 0; i < 2; ++i) {
        lasting.send("GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        EXPECT_THAT(lasting.read_response(), HasSubstr("Connection: keep-alive\r\n"));
    }
}

TEST(HttpServer, SendsLargeBodiesWhole) {
    const std::string large(5'000'000, 'x');
    RunningServer server(
        [&](HttpRequest, Responder r) { r.send({.status = 200, .headers = {}, .body = large}); });
    RawClient client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(body_of(client.read_response()), large);
}

TEST(HttpServer, AnswersForAHandlerThatForgetsTo) {
    RunningServer server([](HttpRequest, Responder) {});
    RawClient client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 500 Internal Server Error\r\n"));
}

TEST(HttpServer, LetsNoHeaderValueStartAnotherHeader) {
    RunningServer server([](HttpRequest, Responder r) {
        r.send({.status = 200,
                .headers = {{"X-Bad", "a\r\nX-Injected: b"}, {"Content-Length", "77"}, {"X-Good", "c"}},
                .body = "d"});
    });
    RawClient client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    const auto response = client.read_response();
    EXPECT_THAT(response, Not(HasSubstr("Injected")));
    EXPECT_THAT(response, Not(HasSubstr("77")));
    EXPECT_THAT(response, HasSubstr("X-Good: c\r\n"));
    EXPECT_EQ(body_of(response), "d");
}

TEST(HttpServer, NamesTheAddressItCannotHave) {
    RunningServer taken(echo);
    EventLoop loop;
    const auto again = HttpServer::listen(loop, {.port = taken.port()}, echo);
    ASSERT_FALSE(again);
    EXPECT_THAT(again.error().message, HasSubstr("127.0.0.1:" + std::to_string(taken.port())));
    EXPECT_THAT(again.error().message, HasSubstr("already in use"));

    const auto nonsense = HttpServer::listen(loop, {.address = "nowhere"}, echo);
    ASSERT_FALSE(nonsense);
    EXPECT_EQ(nonsense.error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace autotune::net
