#include "rules/cost/model.hpp"

#include <charconv>
#include <string>
#include <unordered_map>

#include "rules/suggest.hpp"
#include "rules/yaml/reader.hpp"

namespace autotune::rules {

namespace {

constexpr std::size_t kMostModelNodes = 2'000'000;
constexpr std::array<Choice<bool>, 2> kKinds{{{"function", false}, {"instance", true}}};
constexpr std::array<Choice<bool>, 2> kFreeTier{{{"include", true}, {"exclude", false}}};

class ModelReader {
public:
    ModelReader(std::string_view source, LoadedCostModel& out)
        : reader_(source, out.diagnostics), out_(out) {}

    void read(const YamlNode& root) {
        if (root.kind == YamlNode::Kind::null) return reader_.error(root.at, "the model is empty");
        if (!reader_.expect_map(root, "the model",
                                {"version", "tariff", "free_tier", "period_hours", "services"}))
            return;
        std::int64_t version = 0;
        reader_.read_integer(root, "version", version, {1, 1});
        if (!root.find("version")) reader_.error(root.at, "'version: 1' is missing");
        reader_.read_text(root, "tariff", tariff_);
        reader_.read_choice(root, "free_tier", kFreeTier, model_.free_tier);
        reader_.read_decimal(root, "period_hours", hours_);
        const YamlNode* services = root.find("services");
        if (!services || services->children.empty())
            return reader_.error(services ? services->at : root.at, "'services' are missing");
        if (services->kind != YamlNode::Kind::map)
            return reader_.error(services->at,
                                 "'services' must be a map (name: …), this is " + describe(*services));
        for (std::size_t i = 0; i < services->keys.size(); ++i)
            service(services->keys[i], services->key_at[i], services->children[i]);
        for (std::size_t i = 0; i < calls_.size(); ++i)
            if (calls_[i]) calls(model_.endpoints[i], *calls_[i]);
        if (!has_errors(out_.diagnostics)) out_.model = std::move(model_);
    }

private:
    void service(const std::string& name, Position at, const YamlNode& node) {
        CostService s{.name = name, .tariff = tariff_};
        const YamlNode* endpoints = node.find("endpoints");
        reader_.read_choice(node, "kind", kKinds, s.instances);
        const std::string what = "service '" + name + "'";
        const bool right =
            endpoints ? reader_.expect_map(node, what,
                                           {"kind", "tariff", "memory_mb", "cpu", "usd_per_hour",
                                            "usd_per_period", "other_usd", "endpoints"})
                      : reader_.expect_map(node, what,
                                           {"kind", "tariff", "memory_mb", "cpu", "usd_per_hour",
                                            "usd_per_period", "other_usd", "load", "calls", "duration_ms",
                                            "billed_ms", "init_ms", "cold", "out_kb", "api", "usd", "share", "capacity"});
        if (!right) return;
        reader_.read_text(node, "tariff", s.tariff);
        if (s.instances)
            instance(s, node, at);
        else
            function(s, node);
        const auto index = static_cast<std::uint32_t>(model_.services.size());
        if (!endpoints) {
            endpoint(name, at, node, s, index);
            // A function's endpoint costs it when it is called, an instance service whenever it is there.
            if (!s.instances) reader_.read_decimal(node, "other_usd", model_.endpoints.back().other);
        } else if (endpoints->kind != YamlNode::Kind::map || endpoints->children.empty()) {
            reader_.error(endpoints->at,
                          "'endpoints' must be a map (name: …), this is " + describe(*endpoints));
        } else {
            if (const YamlNode* other = node.find("other_usd"); other && !s.instances)
                reader_.error(
                    other->at,
                    "'other_usd' of a function is of its endpoints: it is paid when they are called");
            for (std::size_t i = 0; i < endpoints->keys.size(); ++i) {
                const YamlNode& e = endpoints->children[i];
                const std::string full = name + "/" + endpoints->keys[i];
                if (!reader_.expect_map(e, "endpoint '" + full + "'",
                                        {"load", "calls", "duration_ms", "billed_ms", "init_ms", "cold", "out_kb", "api",
                                         "usd", "share", "capacity", "other_usd"}))
                    continue;
                endpoint(full, endpoints->key_at[i], e, s, index);
                reader_.read_decimal(e, "other_usd", model_.endpoints.back().other);
            }
        }
        model_.services.push_back(std::move(s));
    }

    void instance(CostService& s, const YamlNode& node, Position at) {
        const YamlNode *hour = node.find("usd_per_hour"), *period = node.find("usd_per_period");
        if (!hour == !period)
            reader_.error(at, "an instance service needs one of usd_per_hour and usd_per_period");
        reader_.read_decimal(node, "usd_per_period", s.instance_usd);
        Decimal per_hour;
        reader_.read_decimal(node, "usd_per_hour", per_hour);
        if (hour) s.instance_usd = per_hour * hours_;
        reader_.read_decimal(node, "other_usd", s.other);
        only(node, {"memory_mb", "cpu"}, "function");
    }

    void function(CostService& s, const YamlNode& node) {
        reader_.read_integer(node, "memory_mb", s.memory_mb, {1, 1e9});
        if (const YamlNode* cpu = node.find("cpu")) s.cpu = reader_.decimal_of(*cpu, "cpu");
        only(node, {"usd_per_hour", "usd_per_period"}, "instance");
    }

    void only(const YamlNode& node, std::initializer_list<std::string_view> keys, std::string_view kind) {
        for (const std::string_view key : keys)
            if (const YamlNode* found = node.find(key))
                reader_.error(found->at,
                              "'" + std::string(key) + "' is for services of kind " + std::string(kind));
    }

    void endpoint(const std::string& name, Position at, const YamlNode& node, const CostService& s,
                  std::uint32_t service) {
        CostEndpoint e{.name = name, .service = service};
        if (!ids_.emplace(name, static_cast<std::uint32_t>(model_.endpoints.size())).second)
            reader_.error(at, "there is an endpoint '" + name + "' already");
        reader_.read_decimal(node, "load", e.load);
        reader_.read_text(node, "api", e.api);
        Decimal out_kb;
        reader_.read_decimal(node, "out_kb", out_kb);
        e.out_gb = out_kb / Decimal(1'048'576);
        if (const YamlNode* usd = node.find("usd");
            usd && reader_.expect_map(*usd, "'usd'", {"api", "compute", "io"})) {
            const auto given = [&](std::string_view key, std::optional<Decimal>& out) {
                if (const YamlNode* value = usd->find(key)) out = reader_.decimal_of(*value, key);
            };
            given("api", e.given.api), given("compute", e.given.compute), given("io", e.given.io);
        }
        if (s.instances)
            capacity(e, node, at);
        else
            time(e, node, at, s.memory_mb);
        calls_.push_back(node.find("calls"));
        model_.endpoints.push_back(std::move(e));
    }

    void capacity(CostEndpoint& e, const YamlNode& node, Position at) {
        if (!node.find("share") == !node.find("capacity"))
            reader_.error(
                at, "'" + e.name + "' needs one of share and capacity: what a call takes of an instance");
        reader_.read_decimal(node, "share", e.share);
        if (const YamlNode* c = node.find("capacity")) {
            e.capacity = reader_.decimal_of(*c, "capacity");
            if (e.capacity && e.capacity->is_zero()) reader_.error(c->at, "'capacity' must be above 0");
        }
        only(node, {"duration_ms", "billed_ms", "init_ms", "cold"}, "function");
    }

    void time(CostEndpoint& e, const YamlNode& node, Position at, std::int64_t memory_mb) {
        const YamlNode* duration = node.find("duration_ms");
        if (duration && duration->kind == YamlNode::Kind::map) {
            for (std::size_t i = 0; i < duration->keys.size(); ++i) {
                const std::string& key = duration->keys[i];
                std::int64_t memory = 0;
                const auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), memory);
                if (failure != std::errc{} || end != key.data() + key.size() || memory < 1)
                    reader_.error(duration->key_at[i], "'" + key + "' must be a size in MB");
                else if (const auto ms = reader_.decimal_of(duration->children[i], "duration_ms"))
                    e.duration_at[memory] = *ms;
            }
        } else {
            reader_.read_decimal(node, "duration_ms", e.duration_ms);
        }
        if (!duration && !e.given.compute)
            reader_.error(at, "'" + e.name + "' needs duration_ms, or usd: {compute: …}");
        if (const YamlNode* billed = node.find("billed_ms")) billed_means(e, *billed, memory_mb);
        reader_.read_decimal(node, "init_ms", e.init_ms);
        reader_.read_decimal(node, "cold", e.cold);
        if (e.cold > Decimal(1)) reader_.error(node.find("cold")->at, "'cold' is a share, 0 to 1");
        only(node, {"share", "capacity"}, "instance");
    }

    void billed_means(CostEndpoint& e, const YamlNode& node, std::int64_t memory_mb) {
        if (node.kind != YamlNode::Kind::map)
            return reader_.error(node.at, "'billed_ms' must be a map (tariff: ms), this is " + describe(node));
        e.billed_memory_mb = memory_mb;
        for (std::size_t i = 0; i < node.keys.size(); ++i)
            if (const auto ms = reader_.decimal_of(node.children[i], node.keys[i])) e.billed_ms[node.keys[i]] = *ms;
    }

    void calls(CostEndpoint& e, const YamlNode& node) {
        if (node.kind == YamlNode::Kind::null) return;
        if (node.kind != YamlNode::Kind::map)
            return reader_.error(node.at,
                                 "'calls' must be a map (endpoint: how often), this is " + describe(node));
        for (std::size_t i = 0; i < node.keys.size(); ++i) {
            const auto found = ids_.find(node.keys[i]);
            if (found == ids_.end()) {
                unknown(node.keys[i], node.key_at[i]);
                continue;
            }
            const YamlNode& often = node.children[i];
            Decimal n(1), p(1);
            if (often.kind == YamlNode::Kind::map) {
                if (!reader_.expect_map(often, "the call of '" + node.keys[i] + "'", {"n", "p"})) continue;
                reader_.read_decimal(often, "n", n);
                reader_.read_decimal(often, "p", p);
                if (p > Decimal(1)) reader_.error(often.at, "'p' is a probability, 0 to 1; how often is 'n'");
            } else if (const auto times = reader_.decimal_of(often, node.keys[i])) {
                n = *times;
            }
            e.calls.push_back({found->second, n * p});
        }
    }

    void unknown(const std::string& name, Position at) {
        std::vector<std::string_view> names, inside;
        for (const CostEndpoint& e : model_.endpoints) {
            names.push_back(e.name);
            if (e.name.starts_with(name + "/")) inside.push_back(e.name);
        }
        reader_.error(at, "there is no endpoint '" + name + "'" +
                              (inside.empty()
                                   ? did_you_mean(name, names)
                                   : "; that service has several, such as '" + std::string(inside[0]) + "'"));
    }

    Reader reader_;
    LoadedCostModel& out_;
    CostModel model_;
    std::string tariff_;
    Decimal hours_{730};
    std::unordered_map<std::string, std::uint32_t> ids_;
    std::vector<const YamlNode*> calls_;  // by endpoint; null: none
};

}  // namespace

LoadedCostModel load_cost_model(std::string_view text, Syntax syntax) {
    LoadedCostModel out;
    YamlDocument document = parse_document(text, syntax, kMostModelNodes);
    out.diagnostics = std::move(document.diagnostics);
    if (document.root)
        ModelReader(text, out).read(*document.root);
    else if (out.diagnostics.empty())
        out.diagnostics.push_back({Diagnostic::Kind::error, {}, "the model is empty"});
    return out;
}

}  // namespace autotune::rules
