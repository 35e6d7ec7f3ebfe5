#include "exporters/web_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http_client.hpp"

namespace autotune::exporters {
namespace {

using testing::HasSubstr;
using testing::Not;

class WebServerTest : public testing::Test {
protected:
    net::HttpResponse get(const std::string& target, const std::string& method = "GET") {
        return client_
            .send("http://127.0.0.1:" + std::to_string(server_->port()), {.method = method, .target = target})
            .value();
    }
    std::unique_ptr<WebServer> server_ = WebServer::start({.agent_version = "1.0 <x>"}).value();
    net::HttpClient client_;
};

TEST_F(WebServerTest, IsHealthyAtOnceAndReadyWhenTold) {
    EXPECT_EQ(get("/-/healthy").status, 200);
    EXPECT_EQ(get("/-/ready").status, 503);
    server_->set_ready();
    EXPECT_EQ(get("/-/ready").status, 200);
    server_->set_not_ready("the rules do not parse");
    EXPECT_EQ(get("/-/ready").status, 503);
    EXPECT_THAT(get("/-/ready").body, HasSubstr("the rules do not parse"));
}

TEST_F(WebServerTest, ServesTheLongestPrefixThatMatches) {
    server_->add_page("/metrics", "text/plain; version=0.0.4",
                      [](std::string_view) { return std::string("m 1\n"); });
    server_->add_page("/flame/", "image/svg+xml",
                      [](std::string_view rest) { return "flame " + std::string(rest); });
    server_->add_page("/flame/diff/", "text/plain",
                      [](std::string_view rest) { return "diff " + std::string(rest); });
    const auto metrics = get("/metrics?x=1");
    EXPECT_EQ(metrics.body, "m 1\n");
    EXPECT_EQ(metrics.headers.get("Content-Type"), "text/plain; version=0.0.4");
    EXPECT_EQ(get("/flame/a%20b/c").body, "flame a b/c");
    EXPECT_EQ(get("/flame/").body, "flame ");
    EXPECT_EQ(get("/flame/diff/x").body, "diff x");
    EXPECT_EQ(get("/metricsandmore").status, 404);
    EXPECT_EQ(get("/flame").status, 404);
}

TEST_F(WebServerTest, TellsWhyAPageCannotBeShown) {
    server_->add_page("/f/", "text/plain", [](std::string_view rest) -> Result<std::string> {
        if (rest == "none") return fail(Errc::not_found, "no function of that name");
        if (rest == "bad") return fail(Errc::invalid_argument, "not a name");
        return fail(Errc::internal, "broken");
    });
    EXPECT_EQ(get("/f/none").status, 404);
    EXPECT_EQ(get("/f/none").body, "no function of that name\n");
    EXPECT_EQ(get("/f/bad").status, 400);
    EXPECT_EQ(get("/f/x").status, 500);
}

TEST_F(WebServerTest, IndexLinksToEveryPageAndEscapes) {
    server_->add_page("/metrics", "text/plain", [](std::string_view) { return std::string(); });
    const auto index = get("/");
    EXPECT_EQ(index.status, 200);
    EXPECT_THAT(index.body, HasSubstr("<a href=\"/metrics\">"));
    EXPECT_THAT(index.body, HasSubstr("1.0 &lt;x&gt;"));
    EXPECT_THAT(index.body, Not(HasSubstr("<x>")));
    EXPECT_EQ(index.headers.get("X-Content-Type-Options"), "nosniff");
}

TEST_F(WebServerTest, ChangesNothing) {
    const auto refused = get("/", "POST");
    EXPECT_EQ(refused.status, 405);
    EXPECT_EQ(refused.headers.get("Allow"), "GET, HEAD");
    EXPECT_EQ(get("/", "HEAD").body, "");
    EXPECT_EQ(get("/", "HEAD").status, 200);
}

TEST_F(WebServerTest, NamesTheAddressItCannotHave) {
    const auto again = WebServer::start({.port = server_->port()});
    ASSERT_FALSE(again);
    EXPECT_THAT(again.error().message, HasSubstr("127.0.0.1:" + std::to_string(server_->port())));
}

TEST_F(WebServerTest, APageMayBeAddedWhileOthersAreServed) {
    for (int i = 0; i < 50; ++i) {
        const std::string path = "/p" + std::to_string(i);
        server_->add_page(path, "text/plain", [path](std::string_view) { return path; });
        EXPECT_EQ(get(path).body, path);
    }
}

}  // namespace
}  // namespace autotune::exporters
