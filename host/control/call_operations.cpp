// The host's own operation on what became of calls: docs/decisions/0035.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "host/control/call_log.hpp"
#include "host/control/faults.hpp"
#include "host/control/operations.hpp"

namespace autotune::host {
namespace {

std::string hex(std::uint64_t value) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
    return text;
}

std::int64_t microseconds(WallTime at) {
    return std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
}

}  // namespace

Result<net::HttpResponse> get_observations(Control& control, const OperationRequest& request) {
    const auto page = control.dispatcher.calls().after(request.target.query_value("after"));
    if (!page) return lambda_fault(Fault::invalid_parameter, page.error().message);
    auto throttled = nlohmann::ordered_json::array(), answered = nlohmann::ordered_json::array();
    for (const LoggedCall* call : page->calls) {
        nlohmann::ordered_json one{{"function", call->function}, {"at_us", microseconds(call->at)}};
        if (call->throttled) {
            if (call->limit) one["limit"] = *call->limit;
            throttled.push_back(std::move(one));
            continue;
        }
        one["id"] = call->id;
        one["version"] = call->version;
        one["input"] = hex(call->input);
        one["output"] = hex(call->output);
        answered.push_back(std::move(one));
    }
    const nlohmann::ordered_json body{{"next", page->next},
                                      {"more", page->more},
                                      {"missed", page->missed},
                                      {"throttled", std::move(throttled)},
                                      {"answered", std::move(answered)}};
    return json_response(200, body.dump());
}

}  // namespace autotune::host
