// Whatever a trace log holds: each call that was opened is told once, time does not go backwards.
#include <string_view>

#include "agent/logs/line_splitter.hpp"
#include "agent/logs/trace_timeline.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    logs::LineSplitter splitter;
    EventBatch batch;
    logs::TraceTimeline timeline({.function = "f", .id = "1", .ordinal = 1}, from_ns(1));
    std::size_t opened = 0;
    auto lines = splitter.add({reinterpret_cast<const char*>(data), size});
    for (auto& line : splitter.rest()) lines.push_back(std::move(line));
    for (const logs::Line& line : lines) {
        const auto parsed = logs::parse_trace_line(line.text);
        if (!parsed) continue;
        const bool is_added = timeline.add(*parsed, batch).has_value();
        opened += is_added && std::holds_alternative<logs::CallLine>(*parsed) ? 1 : 0;
    }
    timeline.finish(batch);
    std::size_t told = 0;
    Timestamp last{};
    for (const Event& event : batch.events) {
        told += std::holds_alternative<CallDone>(event.body) ? 1 : 0;
        fuzz::require(event.at >= last, "time goes on");
        last = event.at;
    }
    fuzz::require(told == opened, "each call is told once");
    return 0;
}
