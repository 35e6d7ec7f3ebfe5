#include "exporters/render/cost_model_yaml.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

// Words that YAML 1.1 takes for something else than text.
constexpr std::array<std::string_view, 11> kReserved{"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"};

// Bare where it is a name to everybody, else quoted as JSON does.
std::string key(const std::string& name) {
    std::string lower;
    bool plain = !name.empty() && std::isalpha(static_cast<unsigned char>(name.front())) != 0;
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        plain = plain && byte < 0x80 && (std::isalnum(byte) != 0 || c == '_' || c == '-');
        lower += static_cast<char>(std::tolower(byte));
    }
    return plain && std::ranges::find(kReserved, lower) == kReserved.end() ? name : json_string(name);
}

class Pairs {
public:
    void add(const std::string& name, const std::string& value) { text_ += (text_.empty() ? "" : ", ") + name + ": " + value; }
    [[nodiscard]] bool empty() const { return text_.empty(); }
    [[nodiscard]] std::string text() const { return "{" + text_ + "}"; }

private:
    std::string text_;
};

void function(const CostService& service, const CostEndpoint& e, std::string& out) {
    const auto line = [&](const std::string& name, const std::string& value) { out += "    " + name + ": " + value + "\n"; };
    line("tariff", key(service.tariff));
    line("memory_mb", std::to_string(service.memory_mb));
    if (e.duration_at.empty()) {
        line("duration_ms", e.duration_ms.text());
    } else {
        Pairs by_memory;
        for (const auto& [mb, ms] : e.duration_at) by_memory.add(std::to_string(mb), ms.text());
        line("duration_ms", by_memory.text());
    }
    Pairs billed;
    for (const auto& [tariff, ms] : e.billed_ms) billed.add(key(tariff), ms.text());
    if (!billed.empty()) line("billed_ms", billed.text());
    if (!e.init_ms.is_zero()) line("init_ms", e.init_ms.text());
    if (!e.cold.is_zero()) line("cold", e.cold.text());
    if (!e.load.is_zero()) line("load", e.load.text());
}

}  // namespace

std::string cost_model_yaml(const CostModel& model, Decimal period_hours, const std::vector<std::string>& remarks) {
    std::string out;
    for (const std::string& remark : remarks) out += "# " + clean_text(remark) + "\n";
    out += "# billed_ms is the mean of calls that were each rounded as the tariff does, and counts where it is there: remove it when\n"
           "# you change memory_mb, duration_ms, init_ms or cold.\n";
    out += "version: 1\n";
    if (!model.free_tier) out += "free_tier: exclude\n";
    out += "period_hours: " + period_hours.text() + "\nservices:\n";
    for (const CostEndpoint& e : model.endpoints) {
        const CostService& service = model.services[e.service];
        out += "  " + key(service.name) + ":\n";
        if (service.instances)
            out += "    kind: instance\n    usd_per_period: " + service.instance_usd.text() + "\n    share: " + e.share.text() + "\n";
        else
            function(service, e, out);
        Pairs calls;
        for (const CostCall& call : e.calls) calls.add(key(model.endpoints[call.to].name), call.times.text());
        if (!calls.empty()) out += "    calls: " + calls.text() + "\n";
    }
    return out;
}

}  // namespace autotune::render
