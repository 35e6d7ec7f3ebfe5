// Exchanges from what is said on a connection, however it is cut into transfers.
#include "agent/bpf/http_conversation.hpp"

#include <gtest/gtest.h>

#include "bpf/logic/http.h"

namespace autotune {
namespace {

using namespace std::string_literals;

class Http : public ::testing::Test {
protected:
    // Of a transfer of the whole text, `copied` bytes are known.
    void say(Way way, std::string_view text, std::size_t copied = std::string_view::npos) {
        const bool ends_chunks = text.ends_with("0\r\n\r\n");
        talk.add({.way = way,
                  .thread = thread,
                  .begun = from_ns(++clock * 100),
                  .ended = from_ns(clock * 100 + 10),
                  .bytes = text.size(),
                  .text = text.substr(0, copied),
                  .ends_chunks = ends_chunks},
                 over);
    }
    void send(std::string_view text, std::size_t copied = std::string_view::npos) { say(Way::sent, text, copied); }
    void receive(std::string_view text, std::size_t copied = std::string_view::npos) {
        say(Way::received, text, copied);
    }
    // "GET /path 200 request+response"
    [[nodiscard]] std::vector<std::string> told() const {
        std::vector<std::string> all;
        for (const HttpExchange& e : over)
            all.push_back(e.method + " " + e.path + " " + std::to_string(e.status) + " " +
                          std::to_string(e.request_bytes) + "+" + std::to_string(e.response_bytes));
        return all;
    }

    HttpConversation talk;
    std::vector<HttpExchange> over;
    std::int64_t clock = 0;
    ThreadId thread{1};
};

using Told = std::vector<std::string>;

TEST_F(Http, OfAClientHasWhatWasAskedAndAnswered) {
    send("GET /a/b?token=secret HTTP/1.1\r\nHost: x.example\r\ntraceparent: 00-ab-cd-01\r\nCookie: secret\r\n\r\n");
    receive("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_EQ(told(), Told{"GET /a/b 200 0+5"});
    const HttpExchange& e = over.at(0);
    EXPECT_EQ(e.side, Side::client);
    EXPECT_EQ(e.host, "x.example");
    EXPECT_EQ(e.trace_context, "00-ab-cd-01");
    EXPECT_EQ(e.asked, from_ns(100));     // when the send began
    EXPECT_EQ(e.answered, from_ns(210));  // when the receive had it
    EXPECT_EQ(e.ended, from_ns(210));
}

TEST_F(Http, OfAServerBeginsWhenTheRequestIsThere) {
    receive("POST /f HTTP/1.1\r\nX-Amzn-Trace-Id: Root=1-2\r\nContent-Length: 3\r\n\r\nabc");
    send("HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\n");
    EXPECT_TRUE(over.empty());
    send("done", 0);
    EXPECT_EQ(told(), Told{"POST /f 201 3+4"});
    EXPECT_EQ(over[0].side, Side::server);
    EXPECT_EQ(over[0].trace_context, "Root=1-2");
    EXPECT_EQ(over[0].asked, from_ns(110));
    EXPECT_EQ(over[0].answered, from_ns(200));
    EXPECT_EQ(over[0].ended, from_ns(310));
}

TEST_F(Http, AClientsTraceIsThatOfTheAnswerWhereItsRequestNamedNone) {
    send("POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    receive("HTTP/1.1 200 OK\r\nX-Amzn-Trace-Id: Root=1-9\r\nContent-Length: 0\r\n\r\n");
    ASSERT_EQ(over.size(), 1u);
    EXPECT_EQ(over[0].trace_context, "Root=1-9");
    send("GET /g HTTP/1.1\r\nX-Amzn-Trace-Id: Root=1-7\r\n\r\n");
    receive("HTTP/1.1 200 OK\r\nX-Amzn-Trace-Id: Root=1-9\r\nContent-Length: 0\r\n\r\n");
    ASSERT_EQ(over.size(), 2u);
    EXPECT_EQ(over[1].trace_context, "Root=1-7");
}

TEST_F(Http, KeepsAConnectionForManyRequests) {
    for (int i = 0; i < 3; ++i) {
        send("GET /" + std::to_string(i) + " HTTP/1.1\r\n\r\n");
        receive("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
    EXPECT_EQ(told(), (Told{"GET /0 200 0+2", "GET /1 200 0+2", "GET /2 200 0+2"}));
}

TEST_F(Http, PipelinedIsAnsweredInOrder) {
    send("GET /0 HTTP/1.1\r\n\r\nPOST /1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiGET /2 HTTP/1.1\r\n\r\n");
    receive("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    receive("HTTP/1.1 500 Oh\r\nContent-Length: 1\r\n\r\n!");
    EXPECT_EQ(told(), (Told{"GET /0 200 0+2", "POST /1 404 2+0", "GET /2 500 0+1"}));
}

TEST_F(Http, IsOfTheThreadThatAskedOrAnswered) {
    send("GET /a HTTP/1.1\r\n\r\n");
    thread = ThreadId{2};
    receive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(over.at(0).thread, ThreadId{1});
    talk = {};
    receive("GET /a HTTP/1.1\r\n\r\n");
    thread = ThreadId{3};
    send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(over.at(1).thread, ThreadId{3});
}

TEST_F(Http, WithoutABodyEndsWithItsHead) {
    send("HEAD /a HTTP/1.1\r\n\r\n");
    receive("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    send("GET /b HTTP/1.1\r\n\r\n");
    receive("HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n");
    send("DELETE /c HTTP/1.1\r\n\r\n");
    receive("HTTP/1.1 204 No Content\r\n\r\n");
    EXPECT_EQ(told(), (Told{"HEAD /a 200 0+0", "GET /b 304 0+0", "DELETE /c 204 0+0"}));
}

TEST_F(Http, WaitsForTheFinalAnswer) {
    send("PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    receive("HTTP/1.1 100 Continue\r\n\r\n");
    send("abc", 0);
    receive("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(told(), Told{"PUT /a 200 3+0"});
}

TEST_F(Http, InChunksEndsWithTheLastOne) {
    send("GET /a HTTP/1.1\r\n\r\n");
    receive("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    receive("5\r\nhello\r\n", 0);
    EXPECT_TRUE(over.empty());
    receive("0\r\n\r\n", 0);
    EXPECT_EQ(told(), Told{"GET /a 200 0+15"});
}

TEST_F(Http, InChunksWhoseEndIsNotSeenEndsWithTheNextAnswer) {
    send("GET /a HTTP/1.1\r\n\r\n");
    receive("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n");
    send("GET /b HTTP/1.1\r\n\r\n");
    receive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    ASSERT_EQ(over.size(), 2u);
    EXPECT_EQ(over[0].ended, from_ns(210));
    EXPECT_EQ(over[1].path, "/b");
}

TEST_F(Http, WithoutALengthEndsWithTheConnection) {
    send("GET /old HTTP/1.0\r\n\r\n");
    receive("HTTP/1.0 200 OK\r\n\r\nhello");
    receive(" world", 0);
    EXPECT_TRUE(over.empty());
    talk.end_received(from_ns(999), over);
    EXPECT_EQ(told(), Told{"GET /old 200 0+11"});
    EXPECT_EQ(over[0].ended, from_ns(310));  // the last byte that was seen
}

TEST_F(Http, HalfClosedByTheClientIsStillAnswered) {
    receive("GET /a HTTP/1.0\r\n\r\n");
    talk.end_received(from_ns(150), over);
    send("HTTP/1.0 200 OK\r\n\r\nhi");
    talk.close(from_ns(300), over);
    EXPECT_EQ(told(), Told{"GET /a 200 0+2"});
}

TEST_F(Http, ThatNobodyAnswersHasNoStatus) {
    send("GET /a HTTP/1.1\r\n\r\n");
    talk.close(from_ns(500), over);
    EXPECT_EQ(told(), Told{"GET /a 0 0+0"});
    EXPECT_EQ(over[0].ended, from_ns(500));
}

TEST_F(Http, HeadsMayComeInAnyPieces) {
    const std::string request = "GET /split HTTP/1.1\r\nHost: h\r\n\r\n";
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for (std::size_t first = 8; first < request.size(); ++first) {
        talk = {};
        over.clear();
        send(request.substr(0, first));
        for (char c : request.substr(first)) send({&c, 1});
        for (char c : answer) receive({&c, 1});
        EXPECT_EQ(told(), Told{"GET /split 200 0+2"}) << first;
    }
}

TEST_F(Http, HeadsThatAreNotCopiedWholeCountAsFarAsTheyAre) {
    const std::string request = "GET /long HTTP/1.1\r\nHost: h\r\nCookie: " + std::string(9000, 'c') + "\r\n\r\n";
    for (int i = 0; i < 2; ++i) {
        send(request, 4096);
        receive("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
    ASSERT_EQ(over.size(), 2u);
    EXPECT_EQ(over[1].host, "h");
    EXPECT_EQ(over[1].path, "/long");
}

TEST_F(Http, AfterAnUpgradeIsOver) {
    send("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
    receive("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    send("GET /not HTTP/1.1\r\n\r\n");
    receive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(told(), Told{"GET /ws 101 0+0"});
}

TEST_F(Http, OfAProxyNamesThePathOnly) {
    send("GET http://user:password@h.example/p?q HTTP/1.1\r\n\r\n");
    receive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    send("GET http://h.example?a/b HTTP/1.1\r\n\r\n");
    receive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    send("CONNECT h.example:443 HTTP/1.1\r\n\r\n");
    receive("HTTP/1.1 200 OK\r\n\r\n");
    EXPECT_EQ(told(), (Told{"GET /p 200 0+0", "GET / 200 0+0", "CONNECT h.example:443 200 0+0"}));
}

TEST_F(Http, IsNotWhatOnlyBeginsLikeIt) {
    send("GET key\r\n");
    receive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    send("POST it now\r\n\r\n");
    talk.close(from_ns(1), over);
    EXPECT_TRUE(over.empty());
}

TEST_F(Http, InABodyOfKnownSizeIsABody) {
    const std::string inner = "GET /inner HTTP/1.1\r\n\r\n";
    send("POST /outer HTTP/1.1\r\nContent-Length: " + std::to_string(inner.size()) + "\r\n\r\n");
    send(inner);
    receive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(told(), Told{"POST /outer 200 23+0"});
}

TEST_F(Http, IsGivenUpWhenNobodyAnswersForTooLong) {
    for (int i = 0; i < 100; ++i) send("GET / HTTP/1.1\r\n\r\n");
    talk.close(from_ns(1), over);
    EXPECT_TRUE(over.empty());
}

TEST_F(Http, TextIsPlainAndBounded) {
    send("GET /\x01\xff" + std::string(4000, 'x') + " HTTP/1.1\r\n\r\n");
    talk.close(from_ns(1), over);
    EXPECT_TRUE(over.at(0).path.starts_with("/__xxx"));
    EXPECT_EQ(over[0].path.size(), 1024u);
}

TEST(HttpBeginnings, AreKnownByEightBytes) {
    for (const char* text : {"GET / HT", "POST /a ", "PUT /a H", "HEAD /a ", "DELETE /", "PATCH /a", "OPTIONS ",
                             "CONNECT ", "HTTP/1.1", "HTTP/1.0"})
        EXPECT_TRUE(at_begins_http(text)) << text;
    for (const char* text : {"*2\r\n$3\r\n", "GETS / HT", "HTTP/2.0", "PRI * HT", "\x16\x03\x01\x02\x00\x01\x00\x01",
                             "CONNECTX", "OPTIONSX"})
        EXPECT_FALSE(at_begins_http(text)) << text;
    EXPECT_TRUE(at_ends_chunks("0\r\n\r\n"));
    EXPECT_FALSE(at_ends_chunks("1\r\n\r\n"));
    EXPECT_TRUE(at_ends_head("1\r\n\r\n"));
}

}  // namespace
}  // namespace autotune
