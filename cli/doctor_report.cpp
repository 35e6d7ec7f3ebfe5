#include "cli/doctor_report.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

namespace autotune::cli {

namespace {

using doctor::Check;
using doctor::Diagnosis;
using doctor::Health;

const char* status_name(Health health) {
    switch (health) {
        case Health::ok: return "ok";
        case Health::degraded: return "degraded";
        case Health::missing: return "missing";
    }
    return "missing";
}

std::string mark(Health health, Marks marks, Colour colour) {
    const bool ascii = marks == Marks::ascii;
    const std::string sign = health == Health::ok         ? (ascii ? "ok" : "✓")
                             : health == Health::degraded ? "!"
                                                          : (ascii ? "X" : "✗");
    const std::string padded = ascii && sign.size() < 2 ? sign + " " : sign;
    if (colour == Colour::off) return padded;
    const char* code = health == Health::ok         ? "\x1b[32m"
                       : health == Health::degraded ? "\x1b[33m"
                                                    : "\x1b[31m";
    return code + padded + "\x1b[0m";
}

// Letters that a terminal without UTF-8 would garble.
std::string plain(std::string text, Marks marks) {
    if (marks == Marks::unicode) return text;
    for (auto at = text.find("…"); at != std::string::npos; at = text.find("…")) text.replace(at, 3, "...");
    return text;
}

std::size_t width_of(const std::string& text) {  // in characters
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t width) {
    const std::size_t have = width_of(text);
    return text + std::string(width > have ? width - have : 0, ' ');
}

template <class List, class Text>
std::size_t widest(const List& list, Text text) {
    std::size_t width = 0;
    for (const auto& item : list) width = std::max(width, width_of(text(item)));
    return width;
}

void add_costs(std::ostream& out, const Diagnosis& d, Marks marks) {
    if (d.costs.empty()) return;
    const auto name = [&](const doctor::Cost& c) { return plain(c.operation, marks); };
    const std::size_t width = widest(d.costs, name);
    out << "\ncosts here, median (10th to 90th percentile):\n";
    for (const auto& c : d.costs)
        out << "  " << padded(name(c), width) << "  " << std::lround(c.median_ns) << " ns  ("
            << std::lround(c.low_ns) << " to " << std::lround(c.high_ns) << ")\n";
}

}  // namespace

std::string doctor_table(const Diagnosis& d, Marks marks, Colour colour) {
    std::ostringstream out;
    const std::size_t width = widest(d.checks, [](const Check& c) { return c.name; });
    out << "Linux " << d.kernel << "\n\n";
    for (const Check& c : d.checks) {
        out << "  " << mark(c.health, marks, colour) << "  " << padded(c.name, width) << "  " << c.detail
            << '\n';
        if (c.health != Health::ok && !c.remedy.empty())
            out << "  " << std::string(marks == Marks::ascii ? 4 : 3, ' ') << padded("", width)
                << "  to get it: " << c.remedy << '\n';
    }
    add_costs(out, d, marks);
    out << "\nbackend: "
        << (d.bpf_works()            ? "eBPF"
            : d.backend == "ptrace" ? "ptrace, on single programs: eBPF lacks what is marked above"
                                     : "probes within programs only: eBPF and ptrace lack what is marked above");
    out << "\n\nworks here:\n";
    for (const auto& line : d.works) out << "  " << mark(Health::ok, marks, colour) << "  " << line << '\n';
    if (!d.lacking.empty()) out << "\ndoes not:\n";
    for (const auto& line : d.lacking)
        out << "  " << mark(Health::missing, marks, colour) << "  " << line << '\n';
    return out.str();
}

std::string doctor_json(const Diagnosis& d) {
    using nlohmann::json;
    json root{{"kernel", d.kernel},   {"backend", d.backend},    {"works", d.works},
              {"lacking", d.lacking}, {"checks", json::array()}, {"costs", json::array()}};
    for (const Check& c : d.checks)
        root["checks"].push_back({{"name", c.name},
                                  {"status", status_name(c.health)},
                                  {"required", c.required},
                                  {"detail", c.detail},
                                  {"remedy", c.remedy}});
    for (const auto& c : d.costs)
        root["costs"].push_back({{"operation", c.operation},
                                 {"median_ns", c.median_ns},
                                 {"low_ns", c.low_ns},
                                 {"high_ns", c.high_ns},
                                 {"rounds", c.rounds}});
    // Bytes that are not UTF-8 (a mount point's name) must not make the report fail.
    return root.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace autotune::cli
