#include "exporters/render/cold_start.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "exporters/render/text.hpp"

namespace autotune::render {
namespace {

using Json = nlohmann::ordered_json;

std::string bytes(double value) {
    char text[32];
    if (value > -1024 && value < 1024)
        std::snprintf(text, sizeof text, "%.0f B", value);
    else if (value > -1024 * 1024 && value < 1024 * 1024)
        std::snprintf(text, sizeof text, "%.1f KB", value / 1024);
    else
        std::snprintf(text, sizeof text, "%.1f MB", value / (1024 * 1024));
    return text;
}

std::string row(const StartCost& total, const StartCost& self, const std::string& name) {
    char text[160];
    std::snprintf(text, sizeof text, "%9.3f %9.3f %9s %9s %5llu %6llu %5llu %9s  ", to_ms(total.time), to_ms(self.time),
                  bytes(static_cast<double>(total.read_bytes)).c_str(),
                  bytes(static_cast<double>(total.mapped_bytes)).c_str(), static_cast<unsigned long long>(total.files),
                  static_cast<unsigned long long>(total.minor_faults), static_cast<unsigned long long>(total.major_faults),
                  bytes(static_cast<double>(total.memory)).c_str());
    return text + name + "\n";
}

void add(const StartNode& node, Nanos least, std::size_t depth, std::string& out) {
    const std::string indent(2 * depth, ' ');
    std::string name = indent + clean_text(node.name);
    if (node.kind == StartKind::module && !node.file.empty()) name += "  " + clean_text(node.file);
    out += row(node.total, node.self, name);
    StartCost rest;
    std::size_t others = 0;
    for (const StartNode& below : node.below) {
        if (below.total.time >= least)
            add(below, least, depth + 1, out);
        else
            rest += below.total, ++others;
    }
    if (others > 0) out += row(rest, rest, indent + "  (" + std::to_string(others) + " more)");
}

Json cost_json(const StartCost& c) {
    return {{"time_ns", c.time.count()},     {"cpu_ns", c.cpu.count()},           {"files", c.files},
            {"read_bytes", c.read_bytes},    {"mapped_bytes", c.mapped_bytes},    {"minor_faults", c.minor_faults},
            {"major_faults", c.major_faults}, {"memory_bytes", c.memory}};
}

Json node_json(const StartNode& node) {
    static constexpr const char* kKinds[] = {"phase", "module", "body"};
    Json below = Json::array();
    for (const StartNode& one : node.below) below.push_back(node_json(one));
    return {{"kind", kKinds[static_cast<std::size_t>(node.kind)]},
            {"name", node.name},
            {"file", node.file},
            {"at_ns", node.at.count()},
            {"total", cost_json(node.total)},
            {"self", cost_json(node.self)},
            {"below", std::move(below)}};
}

}  // namespace

std::string cold_start_text(const ColdStart& start, double min_share) {
    char took[32];
    std::snprintf(took, sizeof took, "%.1f ms", to_ms(start.total.time));
    std::string out = clean_text(start.program.empty() ? "?" : start.program) + ", process " + std::to_string(start.pid) +
                      ": " + took + (start.answered ? " to its first answer\n" : " to its end\n");
    out += "  time ms   self ms      read    mapped files faults major    memory\n";
    const auto least = Nanos(static_cast<std::int64_t>(static_cast<double>(start.total.time.count()) * min_share));
    for (const StartNode& phase : start.phases) add(phase, least, 0, out);
    if (start.unclosed > 0) out += std::to_string(start.unclosed) + " were still under way when their phase was over\n";
    if (start.left_out > 0) out += std::to_string(start.left_out) + " were too deep or too many to be told, and count to what is above them\n";
    return out;
}

std::string cold_starts_json(const std::vector<ColdStart>& starts, std::uint64_t marks_lost) {
    Json all = Json::array();
    for (const ColdStart& start : starts) {
        Json phases = Json::array();
        for (const StartNode& phase : start.phases) phases.push_back(node_json(phase));
        all.push_back({{"pid", start.pid},
                       {"parent", start.parent},
                       {"program", start.program},
                       {"answered", start.answered},
                       {"unclosed", start.unclosed},
                       {"left_out", start.left_out},
                       {"total", cost_json(start.total)},
                       {"phases", std::move(phases)}});
    }
    const Json json = {{"starts", std::move(all)}, {"marks_lost", marks_lost}};
    return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace autotune::render
