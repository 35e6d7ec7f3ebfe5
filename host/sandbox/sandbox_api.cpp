// The Runtime API's side of a sandbox: requests of its runtime become transitions.
#include <utility>

#include "host/sandbox/sandbox.hpp"

namespace autotune::host {

Status Sandbox::listen() {
    net::HttpServerOptions options;
    options.body_limit = kResponseLimit;
    options.too_large = [this](const net::HttpRequest& request) { return on_too_large(request); };
    auto server = net::HttpServer::listen(options_.loop, std::move(options),
                                          [this](net::HttpRequest request, net::Responder responder) {
                                              on_request(std::move(request), std::move(responder));
                                          });
    if (!server) return server.forward("runtime API");
    server_ = std::move(*server);
    return ok();
}

void Sandbox::on_request(net::HttpRequest request, net::Responder responder) {
    if (dying_) return responder.send(runtime_answer(RuntimeApi::Verdict::invalid_transition));
    if (request.target.starts_with(kHoldPath)) return on_hold_request(request, std::move(responder));
    const RuntimeTarget target = parse_runtime_target(request.method, request.target);
    const RuntimeApi::Verdict verdict = api_.receive(target);
    if (verdict != RuntimeApi::Verdict::accepted) return responder.send(runtime_answer(verdict));
    if (target.call == RuntimeCall::next) return on_next(std::move(responder));
    responder.send(runtime_answer(verdict));
    switch (target.call) {
        case RuntimeCall::response: return finish(Ending::response, "", std::move(request.body), After::keep);
        case RuntimeCall::error: return finish(Ending::error, "", std::move(request.body), After::keep);
        case RuntimeCall::init_error: return on_init_error(request);
        default: return;
    }
}

void Sandbox::on_next(net::Responder responder) {
    waiting_ = std::move(responder);
    waiting_.on_peer_gone([this] {
        api_.forget_next();
        waiting_ = {};
    });
    patience_timer_.cancel();
    slow_ = false;
    if (!std::exchange(initialized_, true)) {
        init_timer_.cancel();
        // What was initialised ahead cost its first call nothing.
        if (options_.phase == InitPhase::init && options_.kept_for.empty()) init_ = options_.clock.now() - started_;
    }
    if (retired_ && !job_) return end();
    if (job_) return start_invocation();
    options_.events.idle(*this);
}

void Sandbox::on_init_error(const net::HttpRequest& request) {
    std::string type(request.headers.get("Lambda-Runtime-Function-Error-Type"));
    fail_init(Ending::init_error, type.empty() ? "Runtime.Unknown" : std::move(type), request.body);
}

net::HttpResponse Sandbox::on_too_large(const net::HttpRequest& request) {
    const RuntimeTarget target = parse_runtime_target(request.method, request.target);
    const bool answer = target.call == RuntimeCall::response || target.call == RuntimeCall::error;
    if (!dying_ && answer) {
        const RuntimeApi::Verdict verdict = api_.receive(target);
        if (verdict != RuntimeApi::Verdict::accepted) return runtime_answer(verdict);
        const std::string message = "Response payload size exceeded maximum allowed payload size (" +
                                    std::to_string(kResponseLimit) + " bytes).";
        constexpr auto kType = "Function.ResponseSizeTooLarge";
        finish(Ending::too_large, kType, error_object(kType, message), After::keep);
    }
    return too_large_answer();
}

}  // namespace autotune::host
