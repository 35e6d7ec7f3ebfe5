// Whatever a call log holds: a call that is accepted has a name and a duration that is not negative.
#include "agent/logs/call_log.hpp"
#include "agent/logs/line_splitter.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    logs::LineSplitter splitter;
    auto lines = splitter.add(text);
    for (auto& line : splitter.rest()) lines.push_back(std::move(line));
    std::uint64_t number = 0;
    for (const logs::Line& line : lines) {
        fuzz::require(line.number == ++number, "lines are numbered");
        fuzz::require(line.text.size() <= logs::LineSplitter::kLongest, "lines are bounded");
        const auto call = logs::parse_call_line(line.text);
        if (!call) continue;
        fuzz::require(!call->function.empty(), "a name");
        fuzz::require(call->duration >= Nanos(0), "a duration");
    }
    return 0;
}
