#include "host/sandbox/runtime_api.hpp"

#include <utility>

namespace autotune::host {
namespace {

constexpr std::string_view kRuntime = "/2018-06-01/runtime/";
constexpr std::string_view kInvocation = "invocation/";

net::HttpResponse json(int status, std::string body) {
    return {status, {{"Content-Type", "application/json"}}, std::move(body)};
}

net::HttpResponse error(int status, std::string_view type, std::string_view message) {
    return json(status, "{\"errorMessage\":\"" + std::string(message) + "\",\"errorType\":\"" +
                            std::string(type) + "\"}");
}

}  // namespace

RuntimeTarget parse_runtime_target(std::string_view method, std::string_view target) {
    target = target.substr(0, target.find('?'));
    if (!target.starts_with(kRuntime)) return {};
    target.remove_prefix(kRuntime.size());
    const auto when = [](bool right_method, RuntimeCall call) {
        return right_method ? call : RuntimeCall::wrong_method;
    };
    if (target == "init/error") return {when(method == "POST", RuntimeCall::init_error), {}};
    if (!target.starts_with(kInvocation)) return {};
    target.remove_prefix(kInvocation.size());
    if (target == "next") return {when(method == "GET", RuntimeCall::next), {}};
    const std::size_t slash = target.find('/');
    if (slash == std::string_view::npos || slash == 0) return {};
    const std::string_view what = target.substr(slash + 1);
    std::string id(target.substr(0, slash));
    if (what == "response") return {when(method == "POST", RuntimeCall::response), std::move(id)};
    if (what == "error") return {when(method == "POST", RuntimeCall::error), std::move(id)};
    return {};
}

RuntimeApi::Verdict RuntimeApi::receive(const RuntimeTarget& target) {
    switch (target.call) {
        case RuntimeCall::unknown: return Verdict::unknown_path;
        case RuntimeCall::wrong_method: return Verdict::wrong_method;
        case RuntimeCall::next:
            if (state_ != State::initializing && state_ != State::responded)
                return Verdict::invalid_transition;
            before_ready_ = std::exchange(state_, State::ready);
            return Verdict::accepted;
        case RuntimeCall::response:
        case RuntimeCall::error:
            if (target.request_id != request_id_) return Verdict::invalid_request_id;
            if (state_ != State::invoking) return Verdict::invalid_transition;
            state_ = State::responded;
            return Verdict::accepted;
        case RuntimeCall::init_error:
            if (state_ != State::initializing) return Verdict::invalid_transition;
            state_ = State::failed;
            return Verdict::accepted;
    }
    return Verdict::unknown_path;
}

void RuntimeApi::dispatch(std::string request_id) {
    state_ = State::invoking;
    request_id_ = std::move(request_id);
}

void RuntimeApi::forget_next() {
    if (state_ == State::ready) state_ = before_ready_;
}

net::HttpResponse runtime_answer(RuntimeApi::Verdict verdict) {
    switch (verdict) {
        case RuntimeApi::Verdict::accepted: return json(202, R"({"status":"OK"})");
        case RuntimeApi::Verdict::unknown_path: return error(404, "NotFound", "No such runtime API call");
        case RuntimeApi::Verdict::wrong_method: return error(405, "MethodNotAllowed", "Method not allowed");
        case RuntimeApi::Verdict::invalid_request_id:
            return error(400, "InvalidRequestID", "Invalid request ID");
        case RuntimeApi::Verdict::invalid_transition: break;
    }
    return error(403, "InvalidStateTransition", "State transition is not allowed");
}

net::HttpResponse too_large_answer() {
    return error(413, "RequestEntityTooLarge",
                 "Exceeded maximum allowed payload size (" + std::to_string(kResponseLimit) + " bytes).");
}

net::HttpResponse next_answer(NextFields fields) {
    net::HttpResponse answer;
    answer.headers.add("Lambda-Runtime-Aws-Request-Id", std::move(fields.request_id));
    answer.headers.add("Lambda-Runtime-Deadline-Ms", std::to_string(fields.deadline_ms));
    if (fields.held_left)
        answer.headers.add("Autotune-Held",
                           std::to_string(std::chrono::ceil<std::chrono::milliseconds>(*fields.held_left).count()));
    answer.headers.add("Lambda-Runtime-Invoked-Function-Arn", std::move(fields.invoked_arn));
    if (!fields.trace_id.empty()) answer.headers.add("Lambda-Runtime-Trace-Id", std::move(fields.trace_id));
    if (!fields.client_context.empty()) {
        answer.headers.add("Lambda-Runtime-Client-Context", std::move(fields.client_context));
    }
    answer.headers.add("Content-Type", "application/json");
    answer.body = std::move(fields.payload);
    return answer;
}

}  // namespace autotune::host
