// Tables of calls: whatever they hold, each call that was read is told once, and a parent is a call that
// served its caller.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/flows/call_reader.hpp"
#include "analyzer/topology/requests/reconstructor.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FlowNames names(1'000);
    CallReader reader(names);
    std::vector<ServiceCall> calls;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (!reader.feed(text, calls) || !reader.finish(calls)) return 0;
    analysis::Reconstructor reconstructor({.window = 8});
    reconstructor.set_step(reader.step_ns());
    std::map<std::string, std::uint32_t> callee;
    std::vector<CallParent> found;
    for (const ServiceCall& call : calls) callee[call.id] = call.callee, reconstructor.add(call, found);
    reconstructor.finish(found);
    fuzz::require(found.size() == calls.size(), "each call is told once");
    for (const CallParent& f : found) {
        fuzz::require(f.confidence >= 0 && f.confidence <= 1, "confidence is a share");
        fuzz::require(f.parent.empty() || callee.at(f.parent) == f.caller, "a parent served the caller");
        fuzz::require(f.parent != f.id, "nothing calls itself into being");
    }
    return 0;
}
