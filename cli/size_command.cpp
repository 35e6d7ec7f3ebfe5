// autotune size --replay: which memory size a function should have, from a table of calls.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "agent/flows/csv_rows.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/text_pieces.hpp"
#include "rules/sizing/tuner.hpp"

namespace autotune::cli {

namespace {

using namespace rules::sizing;

struct Call {
    double duration_ms = 0, peak_mb = 0;
    std::string status;
};
using Table = std::map<std::uint32_t, std::vector<Call>>;

std::optional<double> number(std::string_view text) {
    double v = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(v) || v < 0) return std::nullopt;
    return v;
}

class Reader {
public:
    Status line(std::string_view text) {
        ++number_;
        if (text.empty()) return ok();
        if (!split_row(text, cells_, unquoted_)) return wrong(1, "a quote is not closed");
        if (!header_read_) return header();
        const auto cell = [&](int c) { return c >= 0 && std::size_t(c) < cells_.size() ? cells_[std::size_t(c)] : std::string_view(); };
        const auto m = number(cell(memory_));
        if (!m || *m < 1 || *m > 1e7) return wrong(memory_ + 1, "memory_mb is not a size: \"" + std::string(cell(memory_).substr(0, 40)) + "\"");
        Call call;
        call.status = status_ < 0 ? "ok" : std::string(cell(status_));
        if (call.status != "ok" && call.status != "error" && call.status != "timeout" && call.status != "oom")
            return wrong(status_ + 1, "status is none of ok, error, timeout, oom: \"" + call.status.substr(0, 40) + "\"");
        const auto d = number(cell(duration_));
        if (!d && !(call.status != "ok" && cell(duration_).empty()))
            return wrong(duration_ + 1, "duration_ms is not a time: \"" + std::string(cell(duration_).substr(0, 40)) + "\"");
        call.duration_ms = d.value_or(0);
        if (!cell(peak_).empty()) {
            const auto p = number(cell(peak_));
            if (!p) return wrong(peak_ + 1, "max_memory_mb is not a size: \"" + std::string(cell(peak_).substr(0, 40)) + "\"");
            call.peak_mb = *p;
        }
        table[static_cast<std::uint32_t>(std::llround(*m))].push_back(std::move(call));
        return ok();
    }
    Table table;

private:
    Status header() {
        header_read_ = true;
        for (std::size_t i = 0; i < cells_.size(); ++i) {
            if (cells_[i] == "memory_mb") memory_ = int(i);
            if (cells_[i] == "duration_ms") duration_ = int(i);
            if (cells_[i] == "max_memory_mb") peak_ = int(i);
            if (cells_[i] == "status") status_ = int(i);
        }
        if (memory_ < 0 || duration_ < 0) return wrong(1, "the first line must name the columns memory_mb and duration_ms");
        return ok();
    }
    Status wrong(int column, const std::string& what) const {
        return fail(Errc::invalid_argument, std::to_string(number_) + ":" + std::to_string(column) + ": " + what);
    }
    std::size_t number_ = 0;
    bool header_read_ = false;
    int memory_ = -1, duration_ = -1, peak_ = -1, status_ = -1;
    std::vector<std::string_view> cells_;
    std::vector<std::string> unquoted_;
};

std::optional<Objective> objective(const std::string& text) {
    if (text == "cost") return Objective{};
    for (const auto& [name, goal, most] : {std::tuple{std::string("balanced:"), Goal::balanced, 1.0}, std::tuple{std::string("fastest-within:"), Goal::fastest_within, 1e6}})
        if (text.starts_with(name))
            if (const auto v = number(std::string_view(text).substr(name.size())); v && *v <= most) return Objective{goal, *v};
    return std::nullopt;
}

int failed_with(const std::string& message, int status) {
    std::fprintf(stderr, "autotune size: %s\n", message.c_str());
    return status;
}

int run(const std::string& path, const std::string& goal, std::uint64_t seed) {
    const auto wanted = objective(goal);
    if (!wanted) return failed_with("--objective is none of cost, balanced:W (0..1), fastest-within:PERCENT: \"" + goal + "\"", kUsage);
    Reader reader;
    TextLines lines;
    Status seen = ok();
    const auto take = [&](std::string_view line) { if (seen) seen = reader.line(line); };
    Status read = read_text_in_pieces(path, [&](std::string_view piece) { lines.feed(piece, take); return seen; });
    if (read) lines.finish(take);
    if (!seen) return failed_with(shown_path(path) + ":" + seen.error().message, kUsage);
    if (!read) return failed_with(read.error().message, read.error().code == Errc::corrupt ? kUsage : kFailed);
    if (reader.table.empty()) return failed_with(shown_path(path) + ": no calls in it", kUsage);

    // An order of its own for each size, gone through again when it is at its end.
    std::map<std::uint32_t, std::size_t> drawn;
    State state;
    state.objective = *wanted;
    for (auto& [m, calls] : reader.table) {
        state.sizes_mb.push_back(m);
        std::mt19937_64 random(seed * 1'000'003 + m);
        std::shuffle(calls.begin(), calls.end(), random);
    }
    nlohmann::json samples = nlohmann::json::array();
    Step step = next(state);
    while (const auto* probe = std::get_if<Probe>(&step)) {
        const auto& calls = reader.table.at(probe->memory_mb);
        const Call& call = calls[drawn[probe->memory_mb]++ % calls.size()];
        samples.push_back({{"memory_mb", probe->memory_mb}, {"duration_ms", call.duration_ms}, {"status", call.status}});
        state.spent_mb_ms += probe->memory_mb * call.duration_ms;
        state.floor_mb = std::max(state.floor_mb, call.peak_mb * 1.15);
        Cell& cell = state.cells[probe->memory_mb];
        if (call.status == "ok") cell.ok_ms.push_back(std::max(call.duration_ms, 1e-3));
        else if (call.status == "error") ++cell.errors;
        else ++cell.killed;
        step = next(state);
    }
    const Choose& choice = std::get<Choose>(step);
    nlohmann::json out{{"objective", goal}, {"samples", samples}, {"spent_gb_s", state.spent_mb_ms / 1024 / 1000}};
    if (choice.memory_mb == 0) {
        out["memory_mb"] = nullptr, out["predicted"] = nullptr, out["interval"] = nullptr;
    } else {
        out["memory_mb"] = choice.memory_mb;
        out["predicted"] = {{"duration_ms", choice.expected_ms}, {"gb_s", choice.expected_ms * choice.memory_mb / 1024 / 1000}};
        out["interval"] = {choice.low_ms, choice.high_ms};
        out["regret_bound"] = choice.regret_bound;
    }
    std::printf("%s\n", out.dump().c_str());
    if (choice.memory_mb == 0) return failed_with("no size could be chosen: no call that was drawn succeeded at a size with room for the peak", kFindings);
    if (state.sizes_mb.size() == 1) return failed_with("one size only: there is nothing to compare it with", kFindings);
    return kDone;
}

}  // namespace

int size_command(int argc, char** argv) {
    CLI::App app("Tells which memory size a function should have, by as few calls as it takes", argv[0]);
    app.footer("examples:\n  autotune size --replay calls.csv.gz\n  autotune size --replay calls.csv --objective balanced:0.5 --seed 7");
    std::string path, goal = "cost";
    std::uint64_t seed = 1;
    bool json = false;
    app.add_option("--replay", path, "CSV: memory_mb, duration_ms, max_memory_mb, status; plain or .gz")->required();
    app.add_option("--objective", goal, "cost, balanced:W or fastest-within:PERCENT")->capture_default_str();
    app.add_option("--seed", seed, "fixes the order of the draws")->capture_default_str();
    app.add_flag("--json", json, "the answer is JSON anyway");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    return run(path, goal, seed);
}

}  // namespace autotune::cli
