#include "agent/symbols/stack_weave.hpp"

#include <algorithm>

namespace autotune::symbols {

namespace {

struct Run {
    std::size_t begin = 0;
    std::size_t end = 0;
};

std::vector<Run> runs_of(std::span<const std::uint8_t> is_entry) {
    std::vector<Run> runs;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < is_entry.size(); ++i) {
        if (is_entry[i] == 0 && i + 1 < is_entry.size()) continue;
        runs.push_back({begin, i + 1});
        begin = i + 1;
    }
    return runs;
}

}  // namespace

Woven weave(const WeaveInput& input) {
    const std::vector<Run> runs = runs_of(input.is_entry);
    const auto evaluators = static_cast<std::size_t>(std::ranges::count(input.native, NativeRole::evaluator));
    const bool from_start = input.native_whole && input.python_whole;
    // Evaluators that have no frame yet; runs whose evaluator is not known.
    std::size_t entering = from_start && evaluators > runs.size() ? evaluators - runs.size() : 0;
    const std::size_t unplaced = runs.size() - std::min(runs.size(), evaluators);

    Woven woven;
    std::size_t next = 0;
    const auto put_run = [&] {
        if (next == runs.size()) return;
        for (std::size_t i = runs[next].begin; i < runs[next].end; ++i) woven.places.push_back({true, i});
        ++next;
    };
    for (std::size_t i = 0; i < input.native.size(); ++i) {
        if (input.native[i] == NativeRole::foreign) woven.places.push_back({false, i});
        if (input.native[i] != NativeRole::evaluator) continue;
        if (entering > 0) {
            --entering;
            continue;
        }
        if (from_start && next == 0)
            for (std::size_t guess = 0; guess < unplaced; ++guess) put_run();
        put_run();
    }
    while (next < runs.size()) put_run();
    woven.guessed_runs = from_start ? unplaced : 0;
    return woven;
}

}  // namespace autotune::symbols
