// Tables of calls at memory sizes: whatever they hold, the search for a size ends, with a size that was
// measured.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "agent/tables/size_rows.hpp"
#include "rules/sizing/tuner.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;
namespace sizing = rules::sizing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    std::map<std::uint32_t, std::vector<SizeRow>> calls;
    const auto take = [&](const SizeRow& row) {
        fuzz::require(row.memory_mb > 0 && row.duration_ms >= 0 && std::isfinite(row.duration_ms),
                      "a call has a size and a time");
        calls[row.memory_mb].push_back(row);
        return ok();
    };
    SizeRows table;
    if (!table.feed(text.substr(0, size / 2), take) || !table.feed(text.substr(size / 2), take) ||
        !table.finish(take))
        return 0;
    if (calls.empty() || calls.size() > 40) return 0;
    sizing::State state;
    state.objective = {static_cast<sizing::Goal>(size % 3), size % 3 == 1 ? 0.5 : 10.0};
    for (const auto& [mb, rows] : calls) state.sizes_mb.push_back(mb);
    std::map<std::uint32_t, std::size_t> drawn;
    sizing::Step step = sizing::next(state);
    std::size_t left = 40 * state.sizes_mb.size();
    while (const auto* probe = std::get_if<sizing::Probe>(&step)) {
        fuzz::require(left-- > 0, "the search ends");
        const auto& rows = calls.at(probe->memory_mb);
        const SizeRow& call = rows[drawn[probe->memory_mb]++ % rows.size()];
        auto& cell = state.cells[call.memory_mb];
        if (call.end == SizeRow::End::ok) cell.ok_ms.push_back(std::max(call.duration_ms, 1e-3));
        if (call.end == SizeRow::End::error) ++cell.errors;
        if (call.end == SizeRow::End::timeout || call.end == SizeRow::End::oom) ++cell.killed;
        state.spent += call.memory_mb * call.duration_ms;
        state.floor_mb = std::max(state.floor_mb, 1.15 * call.peak_mb);
        step = sizing::next(state);
    }
    const auto& choice = std::get<sizing::Choose>(step);
    if (choice.memory_mb == 0) return 0;
    fuzz::require(state.cells.at(choice.memory_mb).ok_ms.size() >= sizing::kLeastCalls,
                  "what is chosen was measured");
    fuzz::require(std::isfinite(choice.expected_ms) && choice.low_ms <= choice.expected_ms &&
                      choice.expected_ms <= choice.high_ms,
                  "the interval holds what is expected");
    return 0;
}
