// The sections of a rules file, one function each: from the tree to plain structs. Internal to yaml/.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "rules/rule_set.hpp"
#include "rules/yaml/reader.hpp"

namespace autotune::rules {

// The tariff that is meant, or why it cannot be had.
using TariffFinder = std::function<Result<std::shared_ptr<const Tariff>>(const std::string& name)>;

// What rules take where they say nothing themselves.
struct Defaults {
    Mode mode = Mode::dry_run;
    Nanos cooldown = std::chrono::hours(6);
    Nanos window = std::chrono::minutes(15);
    std::uint32_t max_actions_per_day = 3;
    CanaryPolicy canary;
    std::shared_ptr<const Tariff> tariff;  // null: the platform's
    TariffFinder find_tariff;              // of the file that is read; never empty
};

void read_defaults(Reader& reader, const YamlNode& node, Defaults& out);
void read_guardrails(Reader& reader, const YamlNode& node, Guardrails& out);
void read_slo(Reader& reader, const YamlNode& node, std::vector<SloEntry>& out);
void read_maintenance(Reader& reader, const YamlNode& node, std::vector<MaintenanceWindow>& out);
// What conditions may use by name from there on.
void read_macros(Reader& reader, const YamlNode& node);
void read_lists(Reader& reader, const YamlNode& node);
void read_scope(Reader& reader, const YamlNode& map, Scope& out);  // its key "scope"
void read_canary(Reader& reader, const YamlNode& node, CanaryPolicy& out);
// The kinds of plan step, the last of which changes nothing: notify.
inline constexpr std::array<std::string_view, 9> kStepKinds{"resize",   "recluster",   "map_reduce", "handover", "cache",
                                                            "relocate", "concurrency", "keep_warm",  "notify"};
void read_mode(Reader& reader, const YamlNode& map, Mode& out);     // its key "mode"
void read_window(Reader& reader, const YamlNode& map, Nanos& out);  // its key "window"
// Its key "tariff".
void read_tariff(Reader& reader, const YamlNode& map, const TariffFinder& find, std::shared_ptr<const Tariff>& out);

// nullopt when something that a rule cannot be without is missing or wrong; that was told.
[[nodiscard]] std::optional<Rule> read_rule(Reader& reader, const YamlNode& node, const Defaults& defaults);
// nullopt when the kind is not one that is put around a function, or says too little to be carried out.
[[nodiscard]] std::optional<WrapStep> read_remedy(Reader& reader, const YamlNode& node, std::string_view kind);
[[nodiscard]] std::vector<PlanStep> read_plan(Reader& reader, const YamlNode& node, const Defaults& defaults);

}  // namespace autotune::rules
