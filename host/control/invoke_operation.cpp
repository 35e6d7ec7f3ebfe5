#include "host/control/invoke_operation.hpp"

#include <memory>
#include <utility>

#include "host/control/digest.hpp"
#include "host/control/faults.hpp"
#include "host/control/json_body.hpp"

namespace autotune::host {
namespace {

enum class InvocationType : std::uint8_t { request_response, event, dry_run };
enum class LogTail : bool { no, yes };

Result<InvocationType> invocation_type(const net::Headers& headers) {
    const auto text = headers.get("X-Amz-Invocation-Type");
    if (text.empty() || text == "RequestResponse") return InvocationType::request_response;
    if (text == "Event") return InvocationType::event;
    if (text == "DryRun") return InvocationType::dry_run;
    return constraint_fault("'" + std::string(text) + "'", "invocationType",
                            "Member must satisfy enum value set: [Event, RequestResponse, DryRun]");
}

Result<LogTail> log_type(const net::Headers& headers) {
    const auto text = headers.get("X-Amz-Log-Type");
    if (text.empty() || text == "None") return LogTail::no;
    if (text == "Tail") return LogTail::yes;
    return constraint_fault("'" + std::string(text) + "'", "logType",
                            "Member must satisfy enum value set: [None, Tail]");
}

Status check_size(const std::string& payload, InvocationType type) {
    const auto event = type == InvocationType::event;
    const auto limit = event ? event_payload_limit : sync_payload_limit;
    if (payload.size() <= limit) return ok();
    return lambda_fault(Fault::payload_too_large,
                        std::to_string(payload.size()) + " byte payload is too large for the " +
                            (event ? "Event" : "RequestResponse") + " invocation type (limit " +
                            std::to_string(limit) + " bytes)");
}

Result<std::string> client_context(const net::Headers& headers) {
    const auto encoded = headers.get("X-Amz-Client-Context");
    if (encoded.empty()) return std::string();
    auto text = from_base64(encoded);
    if (!text || !check_payload(*text))
        return lambda_fault(Fault::invalid_content,
                            "Client context must be a valid Base64-encoded JSON object.");
    return text;
}

// Lambda gives each call a trace id when its caller has none, so calls of calls can be put together.
std::string trace_id(const net::Headers& headers, const IdSource& new_id) {
    if (const auto given = headers.get("X-Amzn-Trace-Id"); !given.empty()) return std::string(given);
    std::string hex;
    for (const char c : new_id())
        if (c != '-') hex.push_back(c);
    hex.resize(32, '0');
    return "Root=1-" + hex.substr(0, 8) + "-" + hex.substr(8) + ";Sampled=0";
}

Result<Call> read_call(const Control& control, const InvokeContext& context,
                       const OperationRequest& request) {
    const auto name = function_argument(control, request);
    if (!name) return name.forward();
    const auto& store = control.registry.store();
    const auto draw = std::uniform_real_distribution<double>(0, 1)(context.random);
    auto configuration = store.route(*name, draw);
    if (!configuration) return configuration.forward();
    if (auto json = check_payload(request.http.body); !json) return json.forward();
    auto client = client_context(request.http.headers);
    if (!client) return client.forward();
    Call call;
    call.configuration = *std::move(configuration);
    call.request_id = context.new_id();
    call.invoked_arn = function_arn(store.home(), name->name, name->qualifier);
    call.payload = request.http.body.empty() ? "{}" : request.http.body;
    call.client_context = *std::move(client);
    call.trace_id = trace_id(request.http.headers, context.new_id);
    return call;
}

net::HttpResponse result_response(InvokeResult result, const Call& call, LogTail tail) {
    if (result.kind == InvokeResult::Kind::throttled)
        return fault_response(lambda_fault(Fault::account_throttled, "Rate Exceeded.").error);
    if (result.kind == InvokeResult::Kind::host_failure)
        return fault_response(lambda_fault(Fault::service, std::move(result.payload)).error);
    auto response = json_response(200, std::move(result.payload));
    response.headers.add("X-Amz-Executed-Version", call.configuration.version);
    if (result.kind == InvokeResult::Kind::function_error)
        response.headers.add("X-Amz-Function-Error", "Unhandled");
    if (tail == LogTail::yes) response.headers.add("X-Amz-Log-Result", to_base64(result.log_tail));
    response.headers.add("X-Amzn-Trace-Id", call.trace_id);
    return response;
}

void answer(net::Responder& responder, net::HttpResponse response, const std::string& request_id) {
    response.headers.set("X-Amzn-RequestId", request_id);
    responder.send(std::move(response));
}

}  // namespace

void invoke_function(Control& control, const InvokeContext& context, const OperationRequest& request,
                     net::Responder responder) {
    const auto refuse = [&](const Error& error) {
        answer(responder, fault_response(error), context.new_id());
    };
    const auto type = invocation_type(request.http.headers);
    if (!type) return refuse(type.error());
    const auto tail = log_type(request.http.headers);
    if (!tail) return refuse(tail.error());
    if (auto fits = check_size(request.http.body, *type); !fits) return refuse(fits.error());
    auto call = read_call(control, context, request);
    if (!call) return refuse(call.error());
    if (*type == InvocationType::dry_run) return answer(responder, no_content(), call->request_id);
    if (*type == InvocationType::event) {
        const auto id = call->request_id;
        net::HttpResponse taken{202, {}, {}};
        taken.headers.add("X-Amzn-Trace-Id", call->trace_id);  // else nobody could tell which call asked for it
        const auto accepted = control.dispatcher.enqueue(*std::move(call));
        return accepted ? answer(responder, std::move(taken), id) : refuse(accepted.error());
    }
    // std::function must be copyable, a Responder is not.
    struct Pending {
        net::Responder responder;
        Call call;
    };
    auto pending = std::make_shared<Pending>(Pending{std::move(responder), *std::move(call)});
    const auto started =
        control.dispatcher.invoke(pending->call, [pending, tail = *tail](InvokeResult result) {
            answer(pending->responder, result_response(std::move(result), pending->call, tail),
                   pending->call.request_id);
        });
    if (!started) answer(pending->responder, fault_response(started.error()), pending->call.request_id);
}

}  // namespace autotune::host
