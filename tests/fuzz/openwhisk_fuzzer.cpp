// Whatever a body holds: names that are told are plain, bounded, and part of it.
#include "agent/bpf/openwhisk.hpp"

#include <algorithm>

#include "agent/bpf/server_name.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

namespace {

void require_name(std::string_view name, std::string_view body) {
    fuzz::require(name.size() <= 256, "bounded name");
    fuzz::require(std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; }), "plain name");
    fuzz::require(body.find(name) != std::string_view::npos, "name of the body");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    if (const auto run = parse_action_run(body)) {
        fuzz::require(!run->activation_id.empty() || !run->action.empty(), "a run has a name");
        for (const std::string_view name : {run->activation_id, run->action, run->version, run->transaction_id})
            require_name(name, body);
        fuzz::require(run->deadline_ms <= 4'000'000'000'000, "a deadline that fits");
    }
    if (const auto init = parse_action_init(body)) require_name(*init, body);
    fuzz::require(route_name("GET", body).size() <= 256 + 4, "bounded route");
    (void)parse_service_name(body);
    return 0;
}
