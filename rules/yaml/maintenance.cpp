// guardrails.maintenance.
#include <algorithm>

#include "rules/cel/zone.hpp"
#include "rules/suggest.hpp"
#include "rules/yaml/sections.hpp"

namespace autotune::rules {

namespace {

// "22:30", "24:00" at the end only.
std::optional<Nanos> time_of_day(std::string_view text) {
    const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9' ? text[i] - '0' : 99; };
    if (text.size() != 5 || text[2] != ':') return std::nullopt;
    const int hours = digit(0) * 10 + digit(1), minutes = digit(3) * 10 + digit(4);
    if (hours > 24 || minutes > 59 || (hours == 24 && minutes > 0)) return std::nullopt;
    return std::chrono::hours(hours) + std::chrono::minutes(minutes);
}

void read_time(Reader& reader, const YamlNode& map, std::string_view key, Nanos& out) {
    const YamlNode* node = map.find(key);
    if (!node) return;
    const auto time = node->kind == YamlNode::Kind::scalar ? time_of_day(node->text) : std::nullopt;
    const bool plain = node->kind == YamlNode::Kind::scalar && node->style == YamlNode::Style::plain;
    if (!time)
        reader.error(node->at, "'" + std::string(key) + "' must be a time such as \"22:30\", this is " +
                                   describe(*node));
    else if (plain)
        reader.error(node->at, "'" + node->text + "' is a number to some YAML readers: put it in quotes");
    else
        out = *time;
}

void read_days(Reader& reader, const YamlNode& node, std::uint8_t& out) {
    constexpr std::array<std::string_view, 7> kDays{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
    if (!reader.expect_sequence(node, "'days'")) return;
    out = 0;
    for (const YamlNode& day : node.children) {
        const auto found = std::find(kDays.begin(), kDays.end(), day.text);
        if (day.kind != YamlNode::Kind::scalar || found == kDays.end())
            reader.error(day.at,
                         "a day is one of mon, tue, wed, thu, fri, sat, sun; this is " + describe(day));
        else
            out |= static_cast<std::uint8_t>(1 << (found - kDays.begin()));
    }
    if (node.children.empty()) reader.error(node.at, "'days' is empty: that is never");
}

}  // namespace

void read_maintenance(Reader& reader, const YamlNode& node, std::vector<MaintenanceWindow>& out) {
    if (!reader.expect_sequence(node, "'maintenance'")) return;
    for (const YamlNode& element : node.children) {
        MaintenanceWindow window;
        if (!reader.expect_map(element, "a maintenance window", {"days", "from", "to", "zone"})) continue;
        if (const YamlNode* days = element.find("days")) read_days(reader, *days, window.days);
        read_time(reader, element, "from", window.from);
        read_time(reader, element, "to", window.to);
        if (window.from == window.to || window.from >= std::chrono::hours(24) || window.to == Nanos(0))
            reader.error(element.at,
                         "a maintenance window ends at another time than it begins, and midnight is its end "
                         "as \"24:00\"");
        reader.read_text(element, "zone", window.zone);
        if (!cel::zone_offset(window.zone, 0))
            reader.error(element.find("zone")->at,
                         "there is no time zone '" + window.zone +
                             "' here; write UTC, \"+02:00\" or a name such as Europe/Vienna");
        out.push_back(std::move(window));
    }
}

}  // namespace autotune::rules
