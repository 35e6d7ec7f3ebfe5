#include "host/control/break_operations.hpp"

#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "host/control/faults.hpp"
#include "host/control/json_body.hpp"

namespace autotune::host {
namespace {

constexpr std::uint32_t kLongestMs = 24 * 3600 * 1000;

nlohmann::ordered_json to_json(const BreakView& view, std::uint64_t number) {
    auto processes = nlohmann::ordered_json::array();
    for (const auto& [pid, name] : view.processes) processes.push_back({{"pid", pid}, {"name", name}});
    return {{"seen", number},
            {"stage", to_string(view.stage)},
            {"why", view.why},
            {"request_id", view.request_id},
            {"version", view.version},
            {"handler", view.handler},
            {"code", view.code},
            {"processes", std::move(processes)},
            {"traced_by", view.traced_by},
            {"listener", view.listener},
            {"address", view.address},
            {"limit_ms", to_ms(view.limit)},
            {"held_ms", to_ms(view.held)},
            {"report", view.report}};
}

net::HttpResponse json_answer(int status, const nlohmann::ordered_json& body) {
    // Names of processes and folders may be any bytes.
    return json_response(status, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

Unexpected no_such_break(const std::string& id) {
    return lambda_fault(Fault::not_found, "There is no break " + id + " (any more)");
}

}  // namespace

Result<net::HttpResponse> add_break(Control& control, const OperationRequest& request) {
    JsonBody body(request.http.body);
    const auto function = body.required(body.text("function"), "function");
    const auto longest = body.number("longest_ms").value_or(600'000);
    if (body.fault()) return *body.fault();
    if (longest < 1 || longest > kLongestMs)
        return constraint_fault("'" + std::to_string(longest) + "'", "longest_ms",
                                "Member must be between 1 and " + std::to_string(kLongestMs));
    const auto& store = control.registry.store();
    const auto name = parse_function_name(function, store.home());
    if (!name) return name.forward();
    if (const auto known = store.resolve(*name); !known) return known.forward();
    const auto id =
        control.breaks.add({name->name, name->qualifier, std::chrono::milliseconds(longest)});
    return json_answer(201, {{"id", id}});
}

Result<net::HttpResponse> remove_break(Control& control, const OperationRequest& request) {
    const auto& id = request.arguments.at(0);
    if (!control.breaks.remove(id, "let go by who asked for it")) return no_such_break(id);
    return no_content();
}

void listen_to_break(Control& control, const OperationRequest& request, net::Responder responder) {
    const auto& id = request.arguments.at(0);
    const auto text = request.target.query_value("seen");
    std::uint64_t seen = 0;
    std::from_chars(text.data(), text.data() + text.size(), seen);
    // std::function must be copyable, a Responder is not.
    auto waiting = std::make_shared<net::Responder>(std::move(responder));
    const bool known =
        control.breaks.listen(id, seen, [waiting](const BreakView& view, std::uint64_t number) {
            waiting->send(json_answer(200, to_json(view, number)));
        });
    if (!known) return waiting->send(fault_response(no_such_break(id).error));
    waiting->on_peer_gone([&breaks = control.breaks, id] {
        (void)breaks.remove(id, "the command that asked for it has gone");
    });
}

}  // namespace autotune::host
