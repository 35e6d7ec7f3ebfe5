// Invocations that processes serve, from what they receive and send on their connections.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/agent/bpf/unit/records.hpp"

namespace autotune::test {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
constexpr std::string_view kTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::string post(std::string_view path, std::string_view body) {
    return "POST " + std::string(path) + " HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
}
std::string run_of(std::string_view activation) {
    return post("/run", R"({"value":{"name":"x"},"namespace":"guest","action_name":"/guest/hello","activation_id":")" +
                            std::string(activation) + R"(","transaction_id":"tx","deadline":"5000"})");
}

class Boundaries : public Decoding {
protected:
    void move(at_op op, std::string_view text, int thread = 100, int fd = 7, Who who = {}) {
        at_http_record r{};
        r.header = header_of(AT_HTTP, sizeof r, who, clock += 1000);
        r.header.tid = thread;
        r.moved = static_cast<__s64>(text.size());
        r.fd = fd;
        r.op = static_cast<__u8>(op);
        r.size = static_cast<__u32>(std::min(text.size(), sizeof r.text));
        r.local = ipv4(1, 8080), r.peer = ipv4(2, static_cast<std::uint16_t>(5000 + fd));
        r.usage.cpu_ns = clock;
        std::copy_n(text.begin(), r.size, r.text);
        feed(r);
    }
    void receive(std::string_view text, int thread = 100, int fd = 7) { move(AT_OP_RECEIVE, text, thread, fd); }
    void send(std::string_view text, int thread = 100, int fd = 7) { move(AT_OP_SEND, text, thread, fd); }
    // "+function" and "-status" in their order.
    [[nodiscard]] std::vector<std::string> told() const {
        std::vector<std::string> all;
        for (const Event& e : batch.events) {
            if (const auto* start = std::get_if<InvocationStarted>(&e.body))
                all.push_back("+" + text(start->function));
            if (const auto* end = std::get_if<InvocationEnded>(&e.body))
                all.push_back("-" + (end->kind == EndKind::response ? "ok"s : text(end->error_type)));
            if (const auto* failed = std::get_if<InitFailed>(&e.body)) all.push_back("!" + text(failed->error_type));
            if (std::holds_alternative<ExecutorReady>(e.body)) all.emplace_back("ready");
        }
        return all;
    }
    std::uint64_t clock = 0;
};

TEST_F(Boundaries, AreARequestAndItsAnswer) {
    receive("GET /users/42/posts?token=secret HTTP/1.1\r\nHost: x\r\ntraceparent: " + std::string(kTrace) + "\r\n\r\n",
            101);
    send(kOk, 101);
    EXPECT_THAT(told(), ElementsAre("+GET /users/{}/posts", "-ok"));
    const auto start = of<InvocationStarted>().at(0);
    EXPECT_EQ(start.boundary, Boundary::http);
    EXPECT_EQ(start.fd, 7);
    EXPECT_EQ(start.time_limit, Nanos(0));
    EXPECT_EQ(text(start.trace_id), kTrace);
    EXPECT_EQ(start.usage.cpu_ns, 1000u);
    const auto end = of<InvocationEnded>().at(0);
    EXPECT_EQ(end.id, start.id);
    EXPECT_THAT(start.id.str(), StartsWith("http-"));
    EXPECT_EQ(end.response_bytes, 2u);
    EXPECT_EQ(end.usage.cpu_ns, 2000u);
    for (const Event& e : batch.events)
        if (std::holds_alternative<InvocationStarted>(e.body)) {
            EXPECT_EQ(e.thread, ThreadId(101));
            EXPECT_EQ(e.at, from_ns(1000));
        }
}

TEST_F(Boundaries, OfAConnectionThatIsKeptComeOneAfterTheOther) {
    for (const char* path : {"/a", "/b"}) {
        receive("GET "s + path + " HTTP/1.1\r\n\r\n");
        send(kOk);
    }
    EXPECT_THAT(told(), ElementsAre("+GET /a", "-ok", "+GET /b", "-ok"));
    EXPECT_NE(of<InvocationStarted>().at(0).id, of<InvocationStarted>().at(1).id);
}

TEST_F(Boundaries, OfPipelinedRequestsDoNotOverlap) {
    receive("GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n");
    EXPECT_THAT(told(), ElementsAre("+GET /a"));
    send(kOk);
    send(std::string(kOk) + std::string(kOk));
    EXPECT_THAT(told(), ElementsAre("+GET /a", "-ok", "+GET /b", "-ok", "+GET /c", "-ok"));
}

TEST_F(Boundaries, TellFailuresOfTheServerNotOfTheClient) {
    for (const char* status : {"404 Not Found", "503 Busy"}) {
        receive("GET /a HTTP/1.1\r\n\r\n");
        send("HTTP/1.1 "s + status + "\r\nContent-Length: 0\r\n\r\n");
    }
    receive("GET /a HTTP/1.1\r\n\r\n");
    at_io_record closed = io_record({}, AT_OP_CLOSE, 7, 0);
    closed.header.at_ns = clock + 1000;
    closed.file = AT_FILE_SOCKET;
    feed(closed);
    at_fd_change_record gone{};
    gone.header = header_of(AT_FD_CHANGE, sizeof gone, {}, clock + 2000);
    gone.from = gone.to = 7;
    feed(gone);
    EXPECT_THAT(told(), ElementsAre("+GET /a", "-ok", "+GET /a", "-HTTP 503", "+GET /a", "-no answer"));
}

TEST_F(Boundaries, HaveNoEndWhereTheProcessDies) {
    receive("GET /a HTTP/1.1\r\n\r\n");
    feed(exit_record({}, 9));
    EXPECT_THAT(told(), ElementsAre("+GET /a"));
    EXPECT_EQ(of<HttpDone>().size(), 1u);
}

TEST_F(Boundaries, AreNoneOfHeadsThatNeverCameWholeNorOfClients) {
    receive("GET /a HTTP/1.1\r\nHost: x\r\n", 100, 7);
    send("GET /out HTTP/1.1\r\n\r\n", 100, 8);
    receive(kOk, 100, 8);
    EXPECT_THAT(told(), IsEmpty());
}

TEST_F(Boundaries, OfAnActionHaveItsNameItsIdAndItsDeadline) {
    decoder.set_wall_offset(std::chrono::seconds(2));
    receive(post("/init", R"({"value":{"name":"hello","main":"main","binary":false,"code":"def main(a): return a"}})"));
    send(kOk);
    receive(run_of("44e3ad2ad0474b68a3ad2ad047bb68f6"));
    send(kOk);
    EXPECT_THAT(told(), ElementsAre("ready", "+guest/hello", "-ok"));
    EXPECT_EQ(text(of<ExecutorSeen>().at(0).function), "hello");
    const auto start = of<InvocationStarted>().at(0);
    EXPECT_EQ(start.boundary, Boundary::openwhisk);
    EXPECT_EQ(start.id.view(), "44e3ad2ad0474b68a3ad2ad047bb68f6");
    EXPECT_EQ(text(start.trace_id), "tx");
    EXPECT_EQ(start.time_limit, std::chrono::seconds(3) - Nanos(3000));
}

TEST_F(Boundaries, OfAnActionWaitForTheBodyThatNamesIt) {
    const std::string request = run_of("one");
    const auto head = request.find("\r\n\r\n") + 4;
    receive(request.substr(0, head));
    EXPECT_THAT(told(), IsEmpty());
    receive(request.substr(head, 10));
    EXPECT_THAT(told(), IsEmpty());
    receive(request.substr(head + 10));
    EXPECT_THAT(told(), ElementsAre("+guest/hello"));
    EXPECT_EQ(of<InvocationStarted>().at(0).id.view(), "one");
}

TEST_F(Boundaries, OfAnActionFailWithAnyStatusBut200) {
    receive(post("/init", R"({"value":{"code":"x"}})"));
    send("HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n");
    receive(run_of("one"));
    send("HTTP/1.1 404 Oops\r\nContent-Length: 0\r\n\r\n");
    EXPECT_THAT(told(), ElementsAre("!HTTP 502", "+guest/hello", "-HTTP 404"));
}

TEST_F(Boundaries, OfAnActionBeatThoseOfItsServer) {
    receive(post("/init", R"({"value":{"name":"hello","code":"x"}})"));
    send(kOk);
    receive("GET /healthz HTTP/1.1\r\n\r\n");
    send(kOk);
    receive(post("/run", R"({"value":{"long":")" + std::string(9000, 'x')));  // what names it is not seen
    send(kOk);
    EXPECT_THAT(told(), ElementsAre("ready", "+hello", "-ok"));
    EXPECT_THAT(of<InvocationStarted>().at(0).id.str(), StartsWith("run-"));
}

TEST_F(Boundaries, OfTheRuntimeApiBeatAllOthers) {
    feed(request_record({}, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n"));
    receive("GET /metrics HTTP/1.1\r\n\r\n");
    send(kOk);
    receive(run_of("one"));
    EXPECT_THAT(told(), ElementsAre("ready"));
}

TEST_F(Boundaries, OfOneWhoServesTheRuntimeApiAreNotTold) {
    receive("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n");
    receive("POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 100, 8);
    EXPECT_THAT(told(), IsEmpty());
}

TEST_F(Boundaries, OfAContainerThatSaysItsNameHaveIt) {
    const auto folder = std::filesystem::temp_directory_path() / ("autotune-proc-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder / "100");
    std::ofstream(folder / "100/environ") << "K_REVISION=orders-7"s + '\0' + "K_SERVICE=orders" + '\0';
    decoder = RecordDecoder(Procfs(folder));
    receive("GET /any HTTP/1.1\r\n\r\n");
    std::filesystem::remove_all(folder);
    EXPECT_THAT(told(), ElementsAre("+orders"));
    EXPECT_EQ(text(of<InvocationStarted>().at(0).qualifier), "orders-7");
}

TEST_F(Boundaries, TellWhichRequestATransferIsOf) {
    receive("GET /a HTTP/1.1\r\ntraceparent: " + std::string(kTrace) + "\r\n\r\n");
    send("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n");
    at_io_record body = io_record({}, AT_OP_SEND, 7, 20);
    body.file = AT_FILE_SOCKET;
    feed(body);
    ASSERT_EQ(of<IoDone>().size(), 1u);
    EXPECT_EQ(text(of<IoDone>().at(0).trace_context), kTrace);
    EXPECT_THAT(told(), ElementsAre("+GET /a", "-ok"));
}

}  // namespace
}  // namespace autotune::test
