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
    state.spent_mb_ms += call.memory_mb * (call.duration_ms + call.duration_ms_before);
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

Result<SizeRun> search(const std::vector<std::uint32_t>& sizes_mb, const CallsBySize& known, const SizeOrder& order,
                       const Draw& draw) {
    SizeRun run;
    run.state.objective = order.objective;
    run.state.budget_mb_ms = order.budget_mb_ms;
    run.state.sizes_mb = sizes_mb;
    for (const auto& [mb, rows] : known)
        for (const SizeRow& row : rows) learn(run.state, row);
    run.state.spent_mb_ms = 0;
    Step step = next(run.state);
    while (const auto* probe = std::get_if<Probe>(&step)) {
        auto row = draw(probe->memory_mb);
        if (!row) return row.forward();
        if (!*row) {  // as if the budget had ended here
            State ended = run.state;
            ended.budget_mb_ms = ended.spent_mb_ms = std::max(run.state.spent_mb_ms, 1e-9);
            step = next(ended);
            break;
        }
        run.draws.push_back(**row);
        learn(run.state, run.draws.back());
        step = next(run.state);
    }
    if (const auto* choice = std::get_if<Choose>(&step)) run.choice = *choice;
    return run;
}

SizeRun replay(CallsBySize calls, const SizeOrder& order) {
    std::map<std::uint32_t, std::size_t> drawn;
    std::vector<std::uint32_t> sizes;
    for (auto& [mb, all] : calls) {
        sizes.push_back(mb);
        std::mt19937_64 random(order.seed * 1'000'003 + mb);
        std::shuffle(all.begin(), all.end(), random);
    }
    auto run = search(sizes, {}, order, [&](std::uint32_t mb) -> Result<std::optional<SizeRow>> {
        const auto& all = calls.at(mb);
        return std::optional(all[drawn[mb]++ % all.size()]);
    });
    return *std::move(run);  // a table never fails
}

}  // namespace autotune::cli
