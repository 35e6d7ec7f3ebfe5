#include "tests/host/control/api_fixture.hpp"

#include <future>
#include <thread>
#include <utility>

namespace autotune::host {

struct ApiFixture::Running {
    SystemClock clock;
    net::EventLoop loop;
    std::unique_ptr<Registry> registry;
    std::optional<Dispatcher> dispatcher;
    std::optional<ControlApi> api;
    Breaks breaks{loop};
    std::unique_ptr<net::HttpServer> server;
    std::thread thread;
};

std::string ApiAnswer::fault() const {
    auto parsed = json();
    auto message = parsed.is_object() ? parsed.value("Message", parsed.value("message", "")) : body;
    return std::to_string(status) + " " + std::string(headers.get("x-amzn-ErrorType")) + ": " + message;
}

ApiFixture::ApiFixture() : running_(std::make_unique<Running>()) {
    auto& r = *running_;
    r.registry = *Registry::open({folder_.path(), Home{}, r.clock, {}, {}});
    DispatcherOptions options;
    options.concurrency = 10;
    r.dispatcher.emplace(
        r.loop, r.clock, r.registry->store(),
        Dispatcher::Folders{
            [&r](const Code& code) { return r.registry->state().code_folder(code.sha256); },
            [&r](const std::vector<AttachedLayer>& layers) { return r.registry->state().layers_folder(layers); }},
        options);
    r.dispatcher->use(invoker_);
    r.registry->when_changed([&r](const std::string& function) { r.dispatcher->tend_warm(function); });
    r.registry->when_superseded([&r](const Configuration& old) { r.dispatcher->retire(old); });
    net::HttpServerOptions server;
    server.body_limit = request_body_limit;
    server.too_large = ControlApi::too_large;
    r.server = *net::HttpServer::listen(r.loop, std::move(server),
                                        [&r](net::HttpRequest request, net::Responder responder) {
                                            r.api->handle(std::move(request), std::move(responder));
                                        });
    r.api.emplace(Control{*r.registry, *r.dispatcher, r.breaks, url()}, ControlApi::Options{42, {}});
    r.thread = std::thread([&r] { r.loop.run(); });
}

ApiFixture::~ApiFixture() {
    running_->loop.stop();
    running_->thread.join();
    running_->server.reset();
    // Callers that still wait are answered into nothing; their dispatcher lives on until then.
    invoker_.answer_all(InvokeResult::Kind::host_failure);
}

std::uint16_t ApiFixture::port() const { return running_->server->port(); }
std::string ApiFixture::url() const { return "http://127.0.0.1:" + std::to_string(port()); }

ApiAnswer ApiFixture::send(const std::string& method, const std::string& target, const std::string& body,
                           net::Headers headers) {
    auto answer = client_.send(url(), {method, target, std::move(headers), body});
    if (!answer) return {0, {}, answer.error().message};
    return {answer->status, answer->headers, answer->body};
}

ApiAnswer ApiFixture::send(const std::string& method, const std::string& target, const nlohmann::json& body) {
    return send(method, target, body.dump(), {{"Content-Type", "application/json"}});
}

ApiAnswer ApiFixture::invoke(const std::string& function, const std::string& payload, net::Headers headers) {
    return send("POST", functions + "/" + function, payload, std::move(headers));
}

ApiAnswer ApiFixture::create(const std::string& name, nlohmann::json members) {
    nlohmann::json body{{"FunctionName", name},
                        {"Runtime", "python3.11"},
                        {"Handler", "app.handler"},
                        {"Role", "arn:aws:iam::000000000000:role/r"},
                        {"Code", {{"ZipFile", to_base64(a_zip({{"app.py", "pass"}}))}}}};
    body.update(members);
    return send("POST", functions, body);
}

void ApiFixture::create_with_two_versions() {
    ASSERT_EQ(create("shop", {{"Publish", true}}).status, 201);
    ASSERT_EQ(send("PUT", functions + "/shop/configuration", nlohmann::json{{"MemorySize", 256}}).status,
              200);
    ASSERT_EQ(send("POST", functions + "/shop/versions").json()["Version"], "2");
}

void ApiFixture::on_loop(const std::function<void()>& look) {
    std::promise<void> looked;
    running_->loop.post([&] {
        look();
        looked.set_value();
    });
    looked.get_future().wait();
}

}  // namespace autotune::host
