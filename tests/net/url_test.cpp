#include "net/url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http.hpp"
#include "net/retry.hpp"

namespace autotune::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(Url, IsTakenApart) {
    const auto url = parse_url("HTTPS://Lambda.Example:8443/a%20b/c?x=1&y=2#part").value();
    EXPECT_EQ(url.scheme, "https");
    EXPECT_EQ(url.host, "lambda.example");
    EXPECT_EQ(url.port, 8443);
    EXPECT_EQ(url.path, "/a%20b/c");
    EXPECT_EQ(url.query, "x=1&y=2");
}

TEST(Url, FillsInWhatTheSchemeImplies) {
    EXPECT_EQ(parse_url("http://h")->port, 80);
    EXPECT_EQ(parse_url("https://h")->port, 443);
    EXPECT_EQ(parse_url("http://h")->path, "/");
    EXPECT_EQ(parse_url("http://h?q")->path, "/");
    EXPECT_EQ(parse_url("http://h?q")->query, "q");
    EXPECT_EQ(parse_url("http://[::1]:9000/x")->host, "::1");
    EXPECT_EQ(parse_url("http://[::1]:9000/x")->port, 9000);
    EXPECT_EQ(parse_url("nats://h:4222")->port, 4222);
}

TEST(Url, SaysWhatIsWrong) {
    const std::pair<const char*, const char*> cases[] = {
        {"127.0.0.1:9000", "SCHEME://HOST"},
        {"://h", "SCHEME://HOST"},
        {"http://", "no host"},
        {"http://h:", "port ''"},
        {"http://h:0", "port '0'"},
        {"http://h:65536", "port '65536'"},
        {"http://h:8x", "port '8x'"},
        {"http://[::1", "']'"},
        {"http://[::1]x", "':'"},
        {"http://u:p@h/", "user names"},
        {"http://h/a b", "blanks"},
        {"nats://h", "no default port"},
    };
    for (const auto& [text, reason] : cases) {
        const auto url = parse_url(text);
        ASSERT_FALSE(url) << text;
        EXPECT_EQ(url.error().code, Errc::invalid_argument);
        EXPECT_THAT(url.error().message, HasSubstr(reason)) << text;
    }
}

TEST(PercentCoding, RoundTripsEveryByte) {
    std::string all;
    for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
    EXPECT_EQ(percent_decode(percent_encode(all)), all);
    EXPECT_EQ(percent_encode("aZ09-._~ /:é"), "aZ09-._~%20%2F%3A%C3%A9");
    EXPECT_EQ(percent_encode("/a b/", "/"), "/a%20b/");
}

TEST(PercentCoding, LeavesBadEscapesAsTheyAre) {
    EXPECT_EQ(percent_decode("100%"), "100%");
    EXPECT_EQ(percent_decode("%4"), "%4");
    EXPECT_EQ(percent_decode("%zz%41"), "%zzA");
    EXPECT_EQ(percent_decode("a+b"), "a+b");
}

TEST(Target, IsSplitBeforeItIsDecoded) {
    const auto t = split_target("/a//b%2Fc/?x=1&y&z=a%26b=c&&x=2#f");
    EXPECT_THAT(t.segments, ElementsAre("a", "b/c"));
    EXPECT_THAT(t.query, ElementsAre(Pair("x", "1"), Pair("y", ""), Pair("z", "a&b=c"), Pair("x", "2")));
    EXPECT_EQ(t.query_value("x"), "1");
    EXPECT_EQ(t.query_value("none"), "");
    EXPECT_TRUE(split_target("/").segments.empty());
    EXPECT_TRUE(split_target("").segments.empty());
}

TEST(Headers, CompareWithoutCaseAndKeepOrder) {
    Headers h{{"Content-Type", "a"}, {"X", "1"}, {"x", "2"}};
    EXPECT_EQ(h.get("content-type"), "a");
    EXPECT_EQ(h.get("X"), "1");
    EXPECT_EQ(h.get("none"), "");
    EXPECT_FALSE(h.contains("none"));
    h.set("x", "3");
    h.add("Y", "4");
    EXPECT_THAT(std::vector(h.begin(), h.end()),
                ElementsAre(Pair("Content-Type", "a"), Pair("x", "3"), Pair("Y", "4")));
}

TEST(Backoff, DoublesUpToItsCapAndSpreadsOverAllOfIt) {
    const RetryPolicy policy{.base = milliseconds(100), .cap = seconds(1)};
    EXPECT_EQ(backoff(policy, 0, 0.5), milliseconds(50));
    EXPECT_EQ(backoff(policy, 1, 0.5), milliseconds(100));
    EXPECT_EQ(backoff(policy, 3, 0.5), milliseconds(400));
    EXPECT_EQ(backoff(policy, 4, 0.5), milliseconds(500));
    EXPECT_EQ(backoff(policy, 4'000'000'000u, 0.5), milliseconds(500));
    EXPECT_EQ(backoff(policy, 9, 0.0), Nanos(0));
    EXPECT_LT(backoff(policy, 9, 0.999), seconds(1));
}

}  // namespace
}  // namespace autotune::net
