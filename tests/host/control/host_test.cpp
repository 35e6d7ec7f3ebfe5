// The host as a whole, with a fake in place of the sandboxes.
#include "host/host.hpp"

#include <gmock/gmock.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include <chrono>
#include <thread>

#include "net/http_client.hpp"
#include "os/fd.hpp"
#include "tests/host/control/fake_invoker.hpp"
#include "tests/host/control/support.hpp"

namespace autotune::host {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class HostTest : public testing::Test {
protected:
    HostOptions options() {
        HostOptions options;
        options.functions = folder_.path() / "functions";
        options.state = folder_.path() / "state";
        options.port = 0;
        options.make_invoker = [this](net::EventLoop&,
                                      const std::string& url) -> Result<std::unique_ptr<Invoker>> {
            url_told_to_functions_ = url;
            auto invoker = std::make_unique<FakeInvoker>();
            invoker->answers.assign(10, InvokeResult::Kind::ok);
            invoker->template_result.payload = "42";
            return std::unique_ptr<Invoker>(std::move(invoker));
        };
        return options;
    }
    void SetUp() override {
        put_file(folder_.path() / "functions/shop/function.yaml",
                 "runtime: python3.11\nhandler: app.handler\naliases: {live: 1}\n");
        put_file(folder_.path() / "functions/shop/app.py", "pass");
    }

    TemporaryFolder folder_;
    SystemClock clock_;
    std::string url_told_to_functions_;
};

TEST_F(HostTest, ServesTheFunctionsOfItsFolder) {
    const auto host = Host::start(options(), clock_);
    ASSERT_TRUE(host) << host.error().message;
    EXPECT_EQ(url_told_to_functions_, (*host)->url());
    std::thread loop([&] { (*host)->run(); });
    net::HttpClient client;
    const auto answer = client.send(
        (*host)->url(), {"POST", "/2015-03-31/functions/shop/invocations?Qualifier=live", {}, "{}"});
    (*host)->stop();
    loop.join();
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, "42");
    EXPECT_EQ(answer->headers.get("X-Amz-Executed-Version"), "1");
}

TEST_F(HostTest, ListensOnLoopbackOnly) {
    for (const auto* address : {"0.0.0.0", "10.0.0.1", "::", "example.com", "1270.0.0.1", ""}) {
        auto bad = options();
        bad.address = address;
        const auto host = Host::start(std::move(bad), clock_);
        ASSERT_FALSE(host) << address;
        EXPECT_EQ(host.error().code, Errc::invalid_argument);
        EXPECT_THAT(host.error().message, StartsWith("refusing to listen on " + std::string(address)));
    }
    for (const auto* address : {"127.0.0.1", "127.8.8.8", "::1"})
        EXPECT_TRUE(is_loopback_address(address)) << address;
}

TEST_F(HostTest, SharesItsStateWithNoOtherHost) {
    const auto first = Host::start(options(), clock_);
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_THAT(fault_of(Host::start(options(), clock_)), HasSubstr("another host uses the state folder"));
}

// A child of one that was killed has not executed its program yet.
TEST_F(HostTest, WaitsForWhatADeadHostLeft) {
    ASSERT_TRUE(Host::start(options(), clock_));
    bool started = false;
    for (int i = 0; i < 5 && !started; ++i) {  // on a busy machine the child may be too late
        Fd left(::open((folder_.path() / "state/lock").c_str(), O_RDWR | O_CLOEXEC));
        ASSERT_EQ(::flock(left.get(), LOCK_EX | LOCK_NB), 0);
        std::thread executes([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
            left = Fd();
        });
        started = Host::start(options(), clock_).has_value();
        executes.join();
    }
    EXPECT_TRUE(started);
}

TEST_F(HostTest, StartsAgainOnTheSameState) {
    ASSERT_TRUE(Host::start(options(), clock_));
    EXPECT_TRUE(Host::start(options(), clock_)) << "the first one let go of it";
}

TEST_F(HostTest, SaysWhichFunctionFileIsWrong) {
    put_file(folder_.path() / "functions/bad/function.yaml", "runtime: python3.11\nmemory: 1\n");
    const auto host = Host::start(options(), clock_);
    ASSERT_FALSE(host);
    EXPECT_EQ(host.error().code, Errc::invalid_argument);
    EXPECT_THAT(host.error().message,
                HasSubstr("bad/function.yaml:2:1: unknown key 'memory'; did you mean 'memory_mb'?"));
}

TEST_F(HostTest, NeedsAFreePort) {
    const auto first = Host::start(options(), clock_);
    ASSERT_TRUE(first) << first.error().message;
    auto second = options();
    second.state = folder_.path() / "other";
    second.port =
        static_cast<std::uint16_t>(std::stoi((*first)->url().substr((*first)->url().rfind(':') + 1)));
    EXPECT_FALSE(Host::start(std::move(second), clock_));
}

}  // namespace
}  // namespace autotune::host
