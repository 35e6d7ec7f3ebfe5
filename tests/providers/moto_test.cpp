// The adapter and the executor against a foreign implementation of Lambda's API: moto's server, where it
// is installed. It knows no RevisionIds; those the unit tests and the embedded host's tests check.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "core/time.hpp"
#include "fakes.hpp"
#include "net/http_client.hpp"
#include "net/sigv4.hpp"
#include "providers/aws_lambda.hpp"
#include "providers/executor.hpp"

extern char** environ;  // NOLINT: POSIX

namespace autotune {
namespace {

// moto on a free port of the loopback, ended with the object.
class MotoServer {
public:
    MotoServer() {
        // It prints its port, then serves; when our end of its input closes, it ends.
        constexpr const char* kProgram =
            "import logging, os, sys, threading\n"
            "from moto.server import ThreadedMotoServer\n"
            "logging.getLogger('werkzeug').setLevel(logging.ERROR)\n"
            "server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)\n"
            "server.start()\n"
            "print(server.get_host_and_port()[1], flush=True)\n"
            "sys.stdin.read()\n"
            "os._exit(0)\n";
        std::array<int, 2> in{}, out{};
        if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0) return;
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
        std::string python = "python3", flag = "-c", program = kProgram;
        std::array<char*, 4> arguments{python.data(), flag.data(), program.data(), nullptr};
        if (posix_spawnp(&child_, "python3", &actions, nullptr, arguments.data(), environ) != 0) child_ = -1;
        posix_spawn_file_actions_destroy(&actions);
        close(in[0]);
        close(out[1]);
        keep_alive_ = in[1];
        std::string line;
        pollfd readable{out[0], POLLIN, 0};
        char c = 0;
        while (child_ > 0 && poll(&readable, 1, 60'000) > 0 && read(out[0], &c, 1) == 1 && c != '\n')
            line += c;
        close(out[0]);
        if (c == '\n') endpoint_ = "http://127.0.0.1:" + line;
    }
    ~MotoServer() {
        if (keep_alive_ >= 0) close(keep_alive_);
        if (child_ > 0) waitpid(child_, nullptr, 0);
    }
    MotoServer(const MotoServer&) = delete;
    MotoServer& operator=(const MotoServer&) = delete;
    [[nodiscard]] const std::string& endpoint() const { return endpoint_; }  // "" when it did not start

private:
    pid_t child_ = -1;
    int keep_alive_ = -1;
    std::string endpoint_;
};

class MotoTest : public testing::Test {
protected:
    void SetUp() override {
        if (moto_.endpoint().empty()) GTEST_SKIP() << "optional: python3 here has no moto with its server";
        role_ = create_role();
    }

    net::HttpResponse send(net::HttpRequest request, const std::string& service) {
        const std::string host = moto_.endpoint().substr(7);
        EXPECT_TRUE(
            net::sign_sigv4(request, host, {"id", "secret", ""}, {"us-east-1", service, clock_.wall()}));
        auto response = client_.send(moto_.endpoint(), request);
        EXPECT_TRUE(response) << response.error().message;
        return response ? *response : net::HttpResponse{.status = 0};
    }
    std::string create_role() {
        const auto response =
            send({.method = "POST",
                  .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                  .body = "Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument="
                          "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D"},
                 "iam");
        EXPECT_EQ(response.status, 200) << response.body;
        const auto from = response.body.find("<Arn>") + 5;
        return response.body.substr(from, response.body.find("</Arn>") - from);
    }
    AwsLambda adapter() {
        return AwsLambda({.endpoint = moto_.endpoint(),
                          .region = "us-east-1",
                          .access_key = "id",
                          .secret_key = "secret",
                          .role = role_},
                         clock_);
    }

    SystemClock clock_;
    MotoServer moto_;
    net::HttpClient client_;
    std::string role_;
    const FunctionRef orders_{"aws-lambda", "orders"};
    // An archive without files.
    const Package package_{
        .zip = "PK\x05\x06" + std::string(18, '\0'),
        .runtime = "python3.11",
        .handler = "app.handler",
        .config = {.memory_mb = 128, .timeout = std::chrono::seconds(3), .environment = {{"A", "b"}}}};
};

TEST_F(MotoTest, CarriesAResizeFromDeploymentToPromotion) {
    AwsLambda lambda = adapter();
    const auto deployed = lambda.deploy(orders_, package_, "");
    ASSERT_TRUE(deployed) << deployed.error().message;
    EXPECT_EQ(lambda.deploy(orders_, package_, "").error().code, Errc::already_exists);
    EXPECT_THAT(lambda.list().value(), testing::ElementsAre(orders_));
    ASSERT_EQ(lambda.publish(orders_, "").value(), "1");
    const auto made = send({.method = "POST",
                            .target = "/2015-03-31/functions/orders/aliases",
                            .headers = {{"Content-Type", "application/json"}},
                            .body = R"({"Name":"live","FunctionVersion":"1"})"},
                           "lambda");
    ASSERT_EQ(made.status, 201) << made.body;

    test::MemoryStore journal;
    Executor executor(lambda, journal, clock_);
    Action action;
    action.target = orders_;
    action.change = Resize{128, 256};
    action.mode = Mode::apply;
    action.canary = CanaryPolicy{};
    const auto id = executor.start(action);
    ASSERT_TRUE(id) << id.error().message;
    ASSERT_TRUE(*id) << executor.take_outcomes().at(0).detail;
    while (executor.step()) continue;
    ASSERT_EQ(executor.open().front().step, Step::observing) << executor.open().front().detail;
    auto state = lambda.get(orders_).value();
    EXPECT_TRUE(state.aliases.at(0).same_split({"live", "1", "2", 0.1, ""}));
    EXPECT_EQ(state.builds.at("1").tuned.memory_mb, 128u);
    EXPECT_EQ(state.builds.at("2"), state.head);

    ASSERT_TRUE(executor.decide(**id, {}, Disposition::promoted));
    while (executor.step()) continue;
    state = lambda.get(orders_).value();
    EXPECT_TRUE(state.aliases.at(0).same_split({"live", "2", std::nullopt, 0, ""}));
    EXPECT_EQ(executor.take_outcomes().at(0).disposition, Disposition::promoted);
    EXPECT_TRUE(lambda.remove(orders_));
    EXPECT_EQ(lambda.get(orders_).error().code, Errc::not_found);
}

}  // namespace
}  // namespace autotune
