#include "cli/size_replay.hpp"

#include <algorithm>
#include <random>
#include <string_view>

#include "cli/text_pieces.hpp"

namespace autotune::cli {

namespace {

using namespace rules::sizing;

constexpr std::size_t kMostSizes = 10'240;  // Lambda's, of 1 MB
constexpr double kHeadroom = 1.15;          // above the largest peak seen
constexpr double kShortestMs = 1e-3;        // a table may round to 0

Status gather(SizeRows& table, const std::string& path, CallsBySize& calls) {
    const auto take = [&](const SizeRow& row) -> Status {
        calls[row.memory_mb].push_back(row);
        if (calls.size() <= kMostSizes) return ok();
        return fail(Errc::invalid_argument, std::to_string(row.line) + ":1: more than " +
                                                std::to_string(kMostSizes) + " memory sizes");
    };
    Status read = read_text_in_pieces(path, [&](std::string_view piece) { return table.feed(piece, take); });
    if (read) read = table.finish(take);
    if (read && calls.empty()) return fail(Errc::invalid_argument, "1:1: there is no call in it");
    return read;
}

void learn(State& state, const SizeRow& call) {
    state.spent_mb_ms += call.memory_mb * call.duration_ms;
    state.floor_mb = std::max(state.floor_mb, kHeadroom * call.peak_mb);
    Cell& cell = state.cells[call.memory_mb];
    switch (call.end) {
        case SizeRow::End::ok: cell.ok_ms.push_back(std::max(call.duration_ms, kShortestMs)); break;
        case SizeRow::End::error: ++cell.errors; break;
        case SizeRow::End::timeout:
        case SizeRow::End::oom: ++cell.killed; break;
    }
}

}  // namespace

Result<CallsBySize> read_calls(const std::string& path) {
    SizeRows table;
    CallsBySize calls;
    const Status read = gather(table, path, calls);
    if (read) return calls;
    const Error& error = read.error();
    const bool located = error.code == Errc::invalid_argument;  // "line:column: what" of the table
    return fail(error.code, located ? shown_path(path) + ":" + error.message : error.message);
}

SizeRun replay(CallsBySize calls, const SizeOrder& order) {
    SizeRun run;
    run.state.objective = order.objective;
    run.state.budget_mb_ms = order.budget_mb_ms;
    std::map<std::uint32_t, std::size_t> drawn;
    for (auto& [mb, all] : calls) {
        run.state.sizes_mb.push_back(mb);
        std::mt19937_64 random(order.seed * 1'000'003 + mb);
        std::shuffle(all.begin(), all.end(), random);
    }
    Step step = next(run.state);
    while (const auto* probe = std::get_if<Probe>(&step)) {
        const auto& all = calls.at(probe->memory_mb);
        run.draws.push_back(all[drawn[probe->memory_mb]++ % all.size()]);
        learn(run.state, run.draws.back());
        step = next(run.state);
    }
    run.choice = std::get<Choose>(step);
    return run;
}

}  // namespace autotune::cli
