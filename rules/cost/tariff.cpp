#include "rules/cost/tariff.hpp"

#include <algorithm>
#include <string>

#include "rules/yaml/reader.hpp"

namespace autotune::rules {

namespace {

constexpr std::array<Choice<bool>, 2> kInit{{{"billed", true}, {"free", false}}};

class TariffReader {
public:
    TariffReader(std::string_view source, LoadedTariff& out) : reader_(source, out.diagnostics), out_(out) {}

    void read(const YamlNode& root) {
        if (!reader_.expect_map(root, "the tariff",
                                {"version", "name", "title", "as_of", "note", "sources", "init", "step_ms",
                                 "least_ms", "megabytes_a_gb", "memory", "sizes", "requests", "gb_seconds",
                                 "cpu_seconds", "out_gb", "kept_gb_seconds", "apis"}))
            return;
        std::int64_t version = 0;
        reader_.read_integer(root, "version", version, {1, 1});
        reader_.read_text(root, "name", tariff_.name);
        reader_.read_text(root, "title", tariff_.title);
        reader_.read_text(root, "as_of", tariff_.as_of);
        reader_.read_text(root, "note", tariff_.note);
        for (const std::string_view key : {"version", "name", "title", "as_of", "sources"})
            if (!root.find(key)) reader_.error(root.at, "'" + std::string(key) + "' is missing");
        reader_.read_choice(root, "init", kInit, tariff_.init_billed);
        reader_.read_decimal(root, "step_ms", tariff_.step_ms);
        reader_.read_decimal(root, "least_ms", tariff_.least_ms);
        reader_.read_decimal(root, "megabytes_a_gb", tariff_.megabytes_a_gb);
        if (tariff_.step_ms.is_zero() || tariff_.megabytes_a_gb.is_zero())
            reader_.error(root.at, "'step_ms' and 'megabytes_a_gb' must be above 0");
        if (const YamlNode* memory = root.find("memory");
            memory && reader_.expect_map(*memory, "'memory'", {"least_mb", "step_mb", "most_mb"})) {
            reader_.read_integer(*memory, "least_mb", tariff_.least_memory_mb, {1, 1e9});
            reader_.read_integer(*memory, "step_mb", tariff_.memory_step_mb, {1, 1e9});
            reader_.read_integer(*memory, "most_mb", tariff_.most_memory_mb, {1, 1e9});
        }
        sources(root);
        sizes(root);
        meter(root, "requests", tariff_.requests);
        meter(root, "gb_seconds", tariff_.memory);
        meter(root, "cpu_seconds", tariff_.cpu);
        meter(root, "out_gb", tariff_.out);
        meter(root, "kept_gb_seconds", tariff_.kept);
        if (const YamlNode* apis = root.find("apis"); apis && apis->kind == YamlNode::Kind::map)
            for (std::size_t i = 0; i < apis->keys.size(); ++i)
                tariff_.apis[apis->keys[i]] = meter_of(apis->children[i], apis->keys[i]);
        if (!has_errors(out_.diagnostics)) out_.tariff = std::move(tariff_);
    }

private:
    void sources(const YamlNode& root) {
        const YamlNode* list = root.find("sources");
        if (!list || !reader_.expect_sequence(*list, "'sources'")) return;
        for (const YamlNode& node : list->children) {
            if (!reader_.expect_map(node, "a source", {"url", "read"})) continue;
            TariffSource source;
            reader_.read_text(node, "url", source.url);
            reader_.read_text(node, "read", source.read);
            if (source.url.empty()) reader_.error(node.at, "a source has a url, and read: the day on which it said so");
            tariff_.sources.push_back(std::move(source));
        }
    }

    void sizes(const YamlNode& root) {
        const YamlNode* list = root.find("sizes");
        if (!list || !reader_.expect_sequence(*list, "'sizes'")) return;
        for (const YamlNode& node : list->children) {
            if (!reader_.expect_map(node, "a size", {"mb", "cpu"})) continue;
            TariffSize size;
            reader_.read_integer(node, "mb", size.memory_mb, {1, 1e9});
            reader_.read_decimal(node, "cpu", size.cpu);
            if (!tariff_.sizes.empty() && size.memory_mb <= tariff_.sizes.back().memory_mb)
                reader_.error(node.at, "sizes must rise");
            tariff_.sizes.push_back(size);
        }
    }

    void meter(const YamlNode& root, std::string_view key, std::optional<Meter>& out) {
        if (const YamlNode* node = root.find(key)) out = meter_of(*node, key);
    }

    // {usd: 0.20, per: 1000000} or {tiers: [{up_to: …, usd: …, per: …}]}.
    Meter meter_of(const YamlNode& node, std::string_view key) {
        Meter meter;
        meter.pool = tariff_.name + " " + std::string(key);
        if (!reader_.expect_map(node, "'" + std::string(key) + "'",
                                {"free", "usd", "per", "tiers", "pool", "free_pool"}))
            return meter;
        reader_.read_decimal(node, "free", meter.free);
        reader_.read_text(node, "pool", meter.pool);
        meter.free_pool = meter.pool;
        reader_.read_text(node, "free_pool", meter.free_pool);
        const YamlNode* tiers = node.find("tiers");
        if (tiers && reader_.expect_sequence(*tiers, "'tiers'")) {
            for (const YamlNode& tier : tiers->children)
                if (reader_.expect_map(tier, "a tier", {"up_to", "usd", "per"})) this->tier(tier, meter);
        } else if (!tiers) {
            tier(node, meter);
        }
        for (std::size_t i = 0; i < meter.tiers.size(); ++i) {
            const bool last = i + 1 == meter.tiers.size();
            if (last != !meter.tiers[i].up_to ||
                (i > 0 && !last && *meter.tiers[i].up_to <= *meter.tiers[i - 1].up_to))
                reader_.error(node.at, "the ends of tiers (up_to) must rise, and the last has none");
        }
        return meter;
    }

    void tier(const YamlNode& node, Meter& meter) {
        PriceTier tier;
        Decimal per(1);
        if (!node.find("usd")) reader_.error(node.at, "'usd' is missing");
        reader_.read_decimal(node, "usd", tier.usd);
        reader_.read_decimal(node, "per", per);
        if (per.is_zero()) return reader_.error(node.at, "'per' must be above 0");
        tier.usd = tier.usd / per;
        if (const YamlNode* end = node.find("up_to")) tier.up_to = reader_.decimal_of(*end, "up_to");
        meter.tiers.push_back(tier);
    }

    Reader reader_;
    LoadedTariff& out_;
    Tariff tariff_;
};

}  // namespace

LoadedTariff load_tariff(std::string_view yaml) {
    LoadedTariff out;
    YamlDocument document = parse_yaml(yaml);
    out.diagnostics = std::move(document.diagnostics);
    if (document.root)
        TariffReader(yaml, out).read(*document.root);
    else if (out.diagnostics.empty())
        out.diagnostics.push_back({Diagnostic::Kind::error, {}, "the tariff is empty"});
    return out;
}

}  // namespace autotune::rules
