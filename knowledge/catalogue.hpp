// The catalogue: symptoms of functions, where their evidence is, what helps, and what became of it here so far.
//
// Symptoms are constant; experience is read from the changes on record. A change belongs to the first symptom whose
// facts its rule's condition saw; those that no symptom knows are under `other`. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/facts.hpp"
#include "core/knowledge_store.hpp"

namespace autotune {

struct Remedy {
    std::string_view name;  // as rules say it: "resize", "map-reduce"
    std::string_view what;  // one sentence
    enum class By : std::uint8_t { autotune, people } by = By::people;  // who carries it out
};

struct Symptom {
    std::string_view name;   // "out-of-memory"
    std::string_view sign;   // a condition, as rules write it
    std::string_view means;  // one sentence
    std::vector<Fact> facts;
    std::vector<std::string_view> evidence;  // commands and pages that show it
    std::vector<Remedy> remedies;
};
inline constexpr std::string_view kOtherSymptom = "other";
[[nodiscard]] const std::vector<Symptom>& symptoms();

// What was expected of a change, and what was seen.
struct Case {
    WallTime opened;
    std::string function, change, rule;
    std::string predicted, measured;  // for people; "" when nothing is
    Disposition disposition{};        // in_progress until it is closed
};

struct RemedyRecord {
    std::string symptom, remedy;
    std::uint64_t proved = 0;         // promoted
    std::uint64_t harmful = 0;        // rolled back
    std::uint64_t not_proved = 0;     // reverted at the horizon, or given up
    std::uint64_t told = 0;           // to people, or only planned
    std::uint64_t not_done = 0;       // refused or failed half-way
    std::uint64_t under_way = 0;
    std::vector<Case> latest;         // newest first, at most kLatestCases

    [[nodiscard]] std::uint64_t tried() const { return proved + harmful + not_proved; }
};
inline constexpr std::size_t kLatestCases = 5;

// By symptom, in the catalogue's order, then remedy. `changes`: newest first, as the store gives them. A change that
// suggests several remedies is recorded with each.
[[nodiscard]] std::vector<RemedyRecord> experience(std::span<const ChangeRecord> changes);

}  // namespace autotune
