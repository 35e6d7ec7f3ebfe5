// ApiFixture: the control API on a real socket, with a fake invoker behind it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "host/control/api.hpp"
#include "net/http_client.hpp"
#include "tests/host/control/fake_invoker.hpp"
#include "tests/host/control/support.hpp"

namespace autotune::host {

struct ApiAnswer {
    int status = 0;
    net::Headers headers;
    std::string body;
    [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }
    // "409 ResourceConflictException: Function already exist: shop"
    [[nodiscard]] std::string fault() const;
};

// The loop runs on a thread of its own, tests talk to it over loopback. Between a request's answer and
// the next request the loop is idle, so the tests may look at invoker() then.
class ApiFixture : public testing::Test {
protected:
    ApiFixture();
    ~ApiFixture() override;

    ApiAnswer send(const std::string& method, const std::string& target, const std::string& body = "",
                   net::Headers headers = {});
    ApiAnswer send(const std::string& method, const std::string& target, const nlohmann::json& body);
    ApiAnswer get(const std::string& target) { return send("GET", target); }
    ApiAnswer invoke(const std::string& function, const std::string& payload = "{}",
                     net::Headers headers = {});
    // A function made through the API; `members` are added to the request.
    ApiAnswer create(const std::string& name, nlohmann::json members = nlohmann::json::object());
    // "shop" with versions 1 (128 MB) and 2 (256 MB).
    void create_with_two_versions();
    // Runs `look` on the loop's thread and waits.
    void on_loop(const std::function<void()>& look);
    FakeInvoker& invoker() { return invoker_; }
    [[nodiscard]] std::string url() const;
    [[nodiscard]] std::uint16_t port() const;

    static inline const std::string functions = "/2015-03-31/functions";

private:
    struct Running;
    TemporaryFolder folder_;
    FakeInvoker invoker_;
    std::unique_ptr<Running> running_;
    net::HttpClient client_;
};

}  // namespace autotune::host
