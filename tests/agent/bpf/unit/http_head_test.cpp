#include "agent/bpf/http_head.hpp"

#include <gtest/gtest.h>

namespace autotune {
namespace {

TEST(HttpHead, SplitsARequest) {
    const HttpHead head(
        "POST /a/b?c=d HTTP/1.1\r\nHost: x\r\nContent-Length:  42 \r\n\r\nbody: no header\r\n");
    EXPECT_EQ(head.method(), "POST");
    EXPECT_EQ(head.target(), "/a/b?c=d");
    EXPECT_EQ(head.status(), 0);
    EXPECT_EQ(head.content_length(), 42u);
    EXPECT_FALSE(head.header("body"));
}

TEST(HttpHead, ReadsTheStatusOfAResponse) {
    EXPECT_EQ(HttpHead("HTTP/1.0 404 Not Found\r\n\r\n").status(), 404);
    EXPECT_EQ(HttpHead("HTTP/1.1 200\r\n\r\n").status(), 200);
    EXPECT_EQ(HttpHead("HTTP/2 200 OK\r\n\r\n").status(), 0);
    EXPECT_EQ(HttpHead("HTTP/1.1 2x0 OK\r\n\r\n").status(), 0);
    EXPECT_EQ(HttpHead("HTTP/1.1 200 OK\r\n\r\n").target(), "");
}

TEST(HttpHead, FindsHeadersInAnyCase) {
    const HttpHead head("HTTP/1.1 200 OK\r\ncontent-LENGTH: 7\r\nX: a:b\r\n\r\n");
    EXPECT_EQ(head.content_length(), 7u);
    EXPECT_EQ(head.header("x"), "a:b");
    EXPECT_EQ(head.header("y"), std::nullopt);
}

TEST(HttpHead, DoesNotTrustAHeaderThatWasCut) {
    const HttpHead head("HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 12");
    EXPECT_EQ(head.header("A"), "1");
    EXPECT_EQ(head.content_length(), 0u);
    EXPECT_FALSE(HttpHead::is_complete("HTTP/1.1 200 OK\r\nA: 1\r\n"));
    EXPECT_TRUE(HttpHead::is_complete("HTTP/1.1 200 OK\r\nA: 1\r\n\r\nx"));
}

TEST(HttpHead, KnowsTheTargetOfALineThatWasCutBehindIt) {
    EXPECT_EQ(HttpHead("GET /a/b HT").target(), "/a/b");
    EXPECT_EQ(HttpHead("GET /a/b ").target(), "/a/b");
    EXPECT_EQ(HttpHead("GET /a/b").target(), "");
}

TEST(HttpHead, OfNonsenseIsEmpty) {
    for (const char* text : {"", "\r\n", "\r\n\r\n", "GET", "GET\r\n", "::\r\n:\r\n\r\n"}) {
        const HttpHead head(text);
        EXPECT_EQ(head.target(), "") << text;
        EXPECT_EQ(head.status(), 0) << text;
        EXPECT_EQ(head.content_length(), 0u) << text;
    }
}

TEST(HttpHead, NumbersAreDigitsThatFit) {
    EXPECT_EQ(parse_number("0"), 0u);
    EXPECT_EQ(parse_number("18446744073709551615"), 18446744073709551615u);
    for (const char* text : {"", " 1", "1 ", "-1", "+1", "1e3", "18446744073709551616"})
        EXPECT_EQ(parse_number(text), std::nullopt) << text;
}

}  // namespace
}  // namespace autotune
