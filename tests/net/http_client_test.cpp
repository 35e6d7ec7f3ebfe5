#include "net/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/raw_client.hpp"
#include "tests/net/running_server.hpp"

namespace autotune::net {
namespace {

using testing::HasSubstr;
using testing::Not;

// Answers with what was asked.
void mirror(HttpRequest request, Responder responder) {
    std::string text = request.method + " " + request.target + "\n";
    for (const auto& [name, value] : request.headers) text += name + ": " + value + "\n";
    responder.send({.status = 418,
                    .headers = {{"X-Empty", ""}, {"X-Spaces", " a b "}},
                    .body = text + "\n" + request.body});
}

TEST(HttpClient, SendsWhatItWasGiven) {
    RunningServer server(mirror);
    HttpClient client;
    const auto answer = client.send(server.base() + "/", {.method = "PUT",
                                                          .target = "/a/../b%2Fc?x=%20&y",
                                                          .headers = {{"X-One", "1"}, {"X-Empty", ""}},
                                                          .body = std::string("zero\0byte", 9)});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 418);
    EXPECT_THAT(answer->body, HasSubstr("PUT /a/../b%2Fc?x=%20&y\n"));
    EXPECT_THAT(answer->body, HasSubstr("X-One: 1\n"));
    EXPECT_THAT(answer->body, HasSubstr("X-Empty: \n"));
    EXPECT_THAT(answer->body, HasSubstr("User-Agent: autotune\n"));
    EXPECT_THAT(answer->body, HasSubstr(std::string("\n\nzero\0byte", 11)));
    EXPECT_THAT(answer->body, Not(HasSubstr("Content-Type")));
    EXPECT_EQ(answer->headers.get("x-spaces"), "a b");
    EXPECT_TRUE(answer->headers.contains("X-EMPTY"));
}

TEST(HttpClient, KeepsNothingOfTheRequestBefore) {
    RunningServer server(mirror);
    HttpClient client;
    ASSERT_TRUE(client.send(server.base(),
                            {.method = "POST", .target = "/", .headers = {{"X-Old", "1"}}, .body = "old"}));
    const auto head = client.send(server.base(), {.method = "HEAD", .target = "/"});
    ASSERT_TRUE(head);
    EXPECT_EQ(head->body, "");
    const auto get = client.send(server.base(), {.method = "GET", .target = "/new"});
    ASSERT_TRUE(get);
    EXPECT_THAT(get->body, HasSubstr("GET /new\n"));
    EXPECT_THAT(get->body, Not(HasSubstr("old")));
    EXPECT_THAT(get->body, Not(HasSubstr("X-Old")));
    const auto removed = client.send(server.base(), {.method = "DELETE", .target = "/x"});
    EXPECT_THAT(removed->body, HasSubstr("DELETE /x\n"));
}

TEST(HttpClient, AnEmptyPostSaysThatItIsEmpty) {
    RunningServer server(mirror);
    HttpClient client;
    EXPECT_THAT(client.send(server.base(), {.method = "POST"})->body, HasSubstr("Content-Length: 0\n"));
}

TEST(HttpClient, SendsLargeBodiesWithoutAskingFirst) {
    RunningServer server([](HttpRequest r, Responder responder) {
        responder.send({.status = 200,
                        .headers = {},
                        .body = std::to_string(r.body.size()) + std::string(r.headers.get("Expect"))});
    });
    HttpClient client;
    EXPECT_EQ(client.send(server.base(), {.method = "POST", .body = std::string(3'000'000, 'x')})->body,
              "3000000");
}

TEST(HttpClient, UsesOneConnectionForAll) {
    RunningServer server(mirror);
    HttpClient client;
    ASSERT_TRUE(client.send(server.base(), {}));
    ASSERT_TRUE(client.send(server.base(), {}));
    server.destroy_server();
    EXPECT_EQ(client.send(server.base(), {}).error().code, Errc::unavailable);
}

TEST(HttpClient, TellsThatNobodyListens) {
    const UnansweredPort port;
    HttpClient client;
    const auto answer = client.send("http://127.0.0.1:" + std::to_string(port.number()), {.target = "/x"});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::unavailable);
    EXPECT_THAT(answer.error().message, HasSubstr("GET http://127.0.0.1"));
    EXPECT_THAT(answer.error().message, Not(HasSubstr("after the request was sent")));
}

TEST(HttpClient, TellsThatTheAnswerDidNotComeInTime) {
    std::vector<Responder> kept;
    RunningServer server([&](HttpRequest, Responder responder) { kept.push_back(std::move(responder)); });
    Error error{};
    for (const int ms : {50, 500, 5'000}) {  // a busy machine does not even send it in time
        const auto answer = HttpClient({.timeout = std::chrono::milliseconds(ms)}).send(server.base(), {});
        ASSERT_FALSE(answer);
        error = answer.error();
        EXPECT_EQ(error.code, Errc::timed_out);
        if (error.message.find("after the request was sent") != std::string::npos) break;
    }
    EXPECT_THAT(error.message, HasSubstr("after the request was sent"));
    server.destroy_server();
}

TEST(HttpClient, TellsThatTheConnectionBrokeAfterTheRequest) {
    RunningServer* running = nullptr;
    RunningServer server([&](HttpRequest, Responder) { running->destroy_server_here(); });
    running = &server;
    HttpClient client;
    const auto answer = client.send(server.base(), {});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::unavailable);
    EXPECT_THAT(answer.error().message, HasSubstr("after the request was sent"));
}

TEST(HttpClient, RefusesAnAnswerThatIsTooLarge) {
    RunningServer server([](HttpRequest, Responder r) {
        r.send({.status = 200, .headers = {}, .body = std::string(1001, 'x')});
    });
    EXPECT_EQ(HttpClient({.response_limit = 1000}).send(server.base(), {}).error().code,
              Errc::resource_exhausted);
    EXPECT_TRUE(HttpClient({.response_limit = 1001}).send(server.base(), {}));
}

TEST(HttpClient, RefusesWhatCouldSmuggleAHeader) {
    HttpClient client;
    EXPECT_EQ(client.send("http://127.0.0.1:1", {.headers = {{"A", "b\r\nC: d"}}}).error().code,
              Errc::invalid_argument);
    EXPECT_EQ(client.send("http://127.0.0.1:1", {.target = "/\r\nC: d"}).error().code,
              Errc::invalid_argument);
    EXPECT_EQ(client.send("file:///etc/passwd", {.target = ""}).error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace autotune::net
