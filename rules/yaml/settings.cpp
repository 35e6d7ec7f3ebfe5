// defaults, guardrails, slo, scope and canary.
#include <algorithm>
#include <span>
#include <string>

#include "rules/suggest.hpp"
#include "rules/yaml/sections.hpp"

namespace autotune::rules {

namespace {

constexpr double kMostCount = 1e6;

void read_budget(Reader& reader, const YamlNode& node, Guardrails& out) {
    if (!reader.expect_map(node, "'budget'", {"probe_usd_per_day", "max_cost_increase_pct"})) return;
    if (const YamlNode* usd = node.find("probe_usd_per_day")) {
        double ignored = 0;
        reader.read_number(node, "probe_usd_per_day", ignored, {0, 1e9});
        reader.warning(usd->at,
                       "'probe_usd_per_day' is understood but has nothing to limit: this version makes no "
                       "paid probes");
    }
    if (node.find("max_cost_increase_pct")) {
        double percent = 0;
        reader.read_number(node, "max_cost_increase_pct", percent, {0, 1e6});
        out.max_cost_increase_pct = percent;
    }
}

void read_approval(Reader& reader, const YamlNode& node, Guardrails& out) {
    if (!reader.expect_map(node, "'approval'", {"required_for", "expires"})) return;
    reader.read_duration(node, "expires", out.approval_expires);
    if (out.approval_expires < std::chrono::minutes(1))
        reader.error(node.find("expires")->at, "'expires' must be at least 1m: people need time");
    const YamlNode* list = node.find("required_for");
    if (!list || !reader.expect_sequence(*list, "'required_for'")) return;
    constexpr std::span kChanging(kStepKinds.data(), kStepKinds.size() - 1);
    std::string known;
    for (const std::string_view kind : kChanging) known += (known.empty() ? "" : ", ") + std::string(kind);
    for (const YamlNode& element : list->children)
        if (auto kind = reader.text_of(element, "a kind of plan step")) {
            if (std::find(kChanging.begin(), kChanging.end(), *kind) == kChanging.end()) {
                reader.error(element.at,
                             "'required_for' takes kinds of plan step that change something: " + known +
                                 "; this is '" + *kind + "'" + did_you_mean(*kind, kChanging));
                continue;
            }
            out.approval_required_for.push_back(std::move(*kind));
        }
}

}  // namespace

void read_mode(Reader& reader, const YamlNode& map, Mode& out) {
    constexpr std::array<Choice<Mode>, 2> kModes{{{"dry-run", Mode::dry_run}, {"apply", Mode::apply}}};
    reader.read_choice(map, "mode", kModes, out);
}

void read_window(Reader& reader, const YamlNode& map, Nanos& out) {
    Nanos window = out;
    reader.read_duration(map, "window", window);
    if (window < std::chrono::seconds(1))
        reader.error(map.find("window")->at, "'window' must be at least 1s");
    else
        out = window;
}

void read_scope(Reader& reader, const YamlNode& map, Scope& out) {
    const YamlNode* node = map.find("scope");
    if (!node || !reader.expect_map(*node, "'scope'", {"functions", "labels"})) return;
    reader.read_text(*node, "functions", out.functions);
    reader.read_labels(*node, "labels", out.labels);
}

void read_canary(Reader& reader, const YamlNode& node, CanaryPolicy& out) {
    if (!reader.expect_map(
            node, "'canary'",
            {"latency_margin", "error_margin", "harm_margin", "indifference", "alpha", "beta", "horizon", "on_hold",
             "weight"}))
        return;
    // Below: a bet on nothing, or a test that passes at once.
    constexpr Range kRisk{0.0001, 0.5};
    reader.read_number(node, "latency_margin", out.latency_margin, {0, 10});
    reader.read_number(node, "error_margin", out.error_margin, {0.0001, 1});
    reader.read_number(node, "harm_margin", out.harm_margin, {0, 10});
    reader.read_duration(node, "indifference", out.indifference);
    reader.read_number(node, "alpha", out.alpha, kRisk);
    reader.read_number(node, "beta", out.beta, kRisk);
    reader.read_number(node, "weight", out.weight, {0.001, 1});
    reader.read_duration(node, "horizon", out.horizon);
    using OnHold = CanaryPolicy::OnHold;
    constexpr std::array<Choice<OnHold>, 2> kOnHold{
        {{"revert", OnHold::revert}, {"wait", OnHold::keep_waiting}}};
    reader.read_choice(node, "on_hold", kOnHold, out.on_hold);
}

void read_defaults(Reader& reader, const YamlNode& node, Defaults& out) {
    if (!reader.expect_map(node, "'defaults'",
                           {"mode", "cooldown", "window", "max_actions_per_day", "canary", "tariff"}))
        return;
    read_mode(reader, node, out.mode);
    read_window(reader, node, out.window);
    reader.read_duration(node, "cooldown", out.cooldown);
    reader.read_count(node, "max_actions_per_day", out.max_actions_per_day, {0, kMostCount});
    if (const YamlNode* canary = node.find("canary")) read_canary(reader, *canary, out.canary);
    read_tariff(reader, node, out.find_tariff, out.tariff);
}

void read_tariff(Reader& reader, const YamlNode& map, const TariffFinder& find, std::shared_ptr<const Tariff>& out) {
    const YamlNode* node = map.find("tariff");
    const auto name = node ? reader.text_of(*node, "'tariff'") : std::nullopt;
    if (!name) return;
    if (auto found = find(*name))
        out = *std::move(found);
    else
        reader.error(node->at, found.error().message);
}

void read_guardrails(Reader& reader, const YamlNode& node, Guardrails& out) {
    if (!reader.expect_map(node, "'guardrails'", {"budget", "blast_radius", "freeze_when", "approval", "maintenance"}))
        return;
    if (const YamlNode* budget = node.find("budget")) read_budget(reader, *budget, out);
    if (const YamlNode* blast = node.find("blast_radius");
        blast &&
        reader.expect_map(*blast, "'blast_radius'", {"max_concurrent_changes", "max_canary_weight"})) {
        reader.read_count(*blast, "max_concurrent_changes", out.max_concurrent_changes, {0, kMostCount});
        reader.read_number(*blast, "max_canary_weight", out.max_canary_weight, {0.001, 1});
    }
    if (const YamlNode* freeze = node.find("freeze_when");
        freeze && reader.expect_sequence(*freeze, "'freeze_when'"))
        for (const YamlNode& element : freeze->children)
            if (auto name = reader.text_of(element, "a rule's name"))
                out.freeze_when.push_back(std::move(*name));
    if (const YamlNode* maintenance = node.find("maintenance"))
        read_maintenance(reader, *maintenance, out.maintenance);
    if (const YamlNode* approval = node.find("approval")) read_approval(reader, *approval, out);
}

void read_slo(Reader& reader, const YamlNode& node, std::vector<SloEntry>& out) {
    if (!reader.expect_sequence(node, "'slo'")) return;
    for (const YamlNode& element : node.children) {
        SloEntry entry;
        if (!reader.expect_map(element, "an entry of 'slo'", {"scope", "p50", "p95", "p99", "error_rate"}))
            continue;
        read_scope(reader, element, entry.scope);
        for (std::size_t i = 0; i < kSloFactCount; ++i) {
            const SloInfo& info = slo_catalogue()[i];
            const std::string_view key = info.name.substr(info.name.find('.') + 1);
            if (!element.find(key)) continue;
            Nanos duration{0};
            double number = 0;
            if (info.type == FactType::duration)
                reader.read_duration(element, key, duration);
            else
                reader.read_number(element, key, number, {0, 1});
            entry.values[i] = info.type == FactType::duration ? FactValue(duration) : FactValue(number);
        }
        out.push_back(std::move(entry));
    }
}

}  // namespace autotune::rules
