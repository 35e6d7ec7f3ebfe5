// A table of calls as a function that can be called at a memory size, and the search for its size.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/tables/size_rows.hpp"
#include "core/result.hpp"
#include "rules/sizing/tuner.hpp"

namespace autotune::cli {

using CallsBySize = std::map<std::uint32_t, std::vector<SizeRow>>;

// Errors: invalid_argument, "file:line:column: what", also where there is no call, or sizes are more than any
// platform has; those of read_text_in_pieces.
[[nodiscard]] Result<CallsBySize> read_calls(const std::string& path);

// "line:column: what" of a table with the file in front.
[[nodiscard]] Unexpected located(const Error& error, const std::string& path);

struct SizeOrder {
    rules::sizing::Objective objective;
    std::uint64_t seed = 1;
    double budget = 0;             // USD where there is a tariff, else MB·ms; 0: none
    std::optional<Tariff> tariff;  // what calls cost, and how much CPU a size has; none: MB·ms
};

struct SizeRun {
    rules::sizing::State state;  // after the last draw
    std::vector<SizeRow> draws;  // in their order
    rules::sizing::Choose choice;
    double spent_gb_s = 0;  // as billed, where there is a tariff
};

// What is billed of a call, and of the one before it, is spent; gives the GB-s where a tariff tells them.
double pay(rules::sizing::State& state, const SizeRow& call);
// What a call tells of its size. REQUIRES (both): the size is one of the state's.
void learn(rules::sizing::State& state, const SizeRow& call);

// The next call at a size; nullopt: no more, the search ends with what it has.
using Draw = std::function<Result<std::optional<SizeRow>>(std::uint32_t memory_mb)>;
// `known`: calls that are believed from the start and cost nothing. Errors: those of `draw`; invalid_argument where the
// tariff does not have a size. REQUIRES: sizes ascending,
// none twice, not empty.
[[nodiscard]] Result<SizeRun> search(const std::vector<std::uint32_t>& sizes_mb, const CallsBySize& known,
                                     const SizeOrder& order, const Draw& draw);

// Sees `calls` only through draws at a size: each size's calls in an order fixed by the seed, again from the
// first when it is at the end. Errors: as of search.
[[nodiscard]] Result<SizeRun> replay(CallsBySize calls, const SizeOrder& order);

}  // namespace autotune::cli
