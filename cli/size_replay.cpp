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

}  // namespace

double pay(State& state, const SizeRow& call) {
    const auto size = std::lower_bound(state.sizes_mb.begin(), state.sizes_mb.end(), call.memory_mb);
    const auto at = static_cast<std::size_t>(size - state.sizes_mb.begin());
    const auto billed = [&](double ms, double init_ms) {
        const double all = ms + (state.price.init_billed ? init_ms : 0);
        return all > 0 ? state.price.billed_ms(all) : 0;
    };
    const double ms = billed(call.duration_ms, call.init_ms) + billed(call.duration_ms_before, call.init_ms_before);
    state.spent += cost(state, at, ms);
    return state.price.at.empty() ? 0 : state.price.at[at].gb * ms / 1000;
}

void learn(State& state, const SizeRow& call) {
    state.floor_mb = std::max(state.floor_mb, kHeadroom * call.peak_mb);
    Cell& cell = state.cells[call.memory_mb];
    switch (call.end) {
        case SizeRow::End::ok: cell.ok_ms.push_back(std::max(call.duration_ms, kShortestMs)); break;
        case SizeRow::End::error: ++cell.errors; break;
        case SizeRow::End::timeout: ++cell.killed; break;
        case SizeRow::End::oom: ++cell.killed, ++cell.out_of_memory; break;
    }
}

Result<CallsBySize> read_calls(const std::string& path) {
    SizeRows table;
    CallsBySize calls;
    const Status read = gather(table, path, calls);
    if (read) return calls;
    return located(read.error(), path);
}

Unexpected located(const Error& error, const std::string& path) {
    const bool of_the_table = error.code == Errc::invalid_argument;
    return fail(error.code, of_the_table ? shown_path(path) + ":" + error.message : error.message);
}

Result<SizeRun> search(const std::vector<std::uint32_t>& sizes_mb, const CallsBySize& known, const SizeOrder& order,
                       const Draw& draw) {
    SizeRun run;
    run.state.objective = order.objective;
    run.state.budget = order.budget;
    run.state.sizes_mb = sizes_mb;
    if (order.tariff) {
        auto price = price_of(*order.tariff, sizes_mb);
        if (!price) return price.forward();
        run.state.price = *std::move(price);
    }
    for (const auto& [mb, rows] : known)
        for (const SizeRow& row : rows) learn(run.state, row);
    Step step = next(run.state);
    while (const auto* probe = std::get_if<Probe>(&step)) {
        auto row = draw(probe->memory_mb);
        if (!row) return row.forward();
        if (!*row) {  // as if the budget had ended here
            State ended = run.state;
            ended.budget = ended.spent = std::max(run.state.spent, 1e-9);
            step = next(ended);
            break;
        }
        run.draws.push_back(**row);
        run.spent_gb_s += pay(run.state, run.draws.back());
        learn(run.state, run.draws.back());
        step = next(run.state);
    }
    if (const auto* choice = std::get_if<Choose>(&step)) run.choice = *choice;
    return run;
}

Result<SizeRun> replay(CallsBySize calls, const SizeOrder& order) {
    std::map<std::uint32_t, std::size_t> drawn;
    std::vector<std::uint32_t> sizes;
    for (auto& [mb, all] : calls) {
        sizes.push_back(mb);
        std::mt19937_64 random(order.seed * 1'000'003 + mb);
        std::shuffle(all.begin(), all.end(), random);
    }
    return search(sizes, {}, order, [&](std::uint32_t mb) -> Result<std::optional<SizeRow>> {
        const auto& all = calls.at(mb);
        return std::optional(all[drawn[mb]++ % all.size()]);
    });
}

}  // namespace autotune::cli
