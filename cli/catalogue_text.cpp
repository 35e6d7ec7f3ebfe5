#include "cli/catalogue_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "exporters/render/text.hpp"

namespace autotune::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Line {
    std::string name;
    std::optional<Remedy> remedy;        // of the catalogue
    const RemedyRecord* record = nullptr;  // of this store
};

// "map-reduce over event.items" is a map-reduce.
bool is(const RemedyRecord& record, std::string_view symptom, std::string_view remedy) {
    return record.symptom == symptom && (record.remedy == remedy || record.remedy.starts_with(std::string(remedy) + " "));
}

// Remedies of the catalogue, then those that only the store knows.
std::vector<Line> lines_of(const Symptom& symptom, std::span<const RemedyRecord> experience) {
    std::vector<Line> out;
    std::vector<const RemedyRecord*> seen;
    for (const Remedy& remedy : symptom.remedies) {
        bool any = false;
        for (const RemedyRecord& record : experience) {
            if (!is(record, symptom.name, remedy.name)) continue;
            out.push_back({record.remedy, remedy, &record});
            seen.push_back(&record);
            any = true;
        }
        if (!any) out.push_back({std::string(remedy.name), remedy, nullptr});
    }
    for (const RemedyRecord& record : experience)
        if (record.symptom == symptom.name && std::find(seen.begin(), seen.end(), &record) == seen.end())
            out.push_back({record.remedy, std::nullopt, &record});
    return out;
}

// With what is on record and belongs to none of them.
std::vector<Symptom> all_symptoms(std::span<const RemedyRecord> experience) {
    std::vector<Symptom> out = symptoms();
    const bool other = std::any_of(experience.begin(), experience.end(),
                                   [](const RemedyRecord& r) { return r.symptom == kOtherSymptom; });
    if (other) out.push_back({kOtherSymptom, "", "Rules on other facts.", {}, {}, {}});
    return out;
}

std::string counted(const RemedyRecord& r) {
    std::string out;
    const auto add = [&](std::uint64_t n, const char* what) {
        if (n > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, what);
    };
    if (r.tried() > 0) out = fmt::format("{} of {} proved", r.proved, r.tried());
    add(r.harmful, "harmful");
    add(r.not_proved, "not proved");
    add(r.under_way, "under way");
    add(r.told, "told");
    add(r.not_done, "not done");
    return out;
}

std::string case_line(const Case& c) {
    std::string out = fmt::format("{} {}: {}, {}", to_rfc3339(c.opened), c.function, c.change, to_string(c.disposition));
    if (!c.predicted.empty()) out += "; predicted: " + c.predicted;
    if (!c.measured.empty()) out += "; measured: " + c.measured;
    return render::clean_text(out);
}

const char* by(const Remedy& remedy) { return remedy.by == Remedy::By::autotune ? "autotune" : "people"; }

Json record_json(const RemedyRecord& r) {
    Json cases = Json::array();
    for (const Case& c : r.latest)
        cases.push_back({{"opened", to_rfc3339(c.opened)},
                         {"function", c.function},
                         {"change", c.change},
                         {"rule", c.rule},
                         {"predicted", c.predicted},
                         {"measured", c.measured},
                         {"disposition", to_string(c.disposition)}});
    return {{"proved", r.proved}, {"harmful", r.harmful},     {"not_proved", r.not_proved}, {"under_way", r.under_way},
            {"told", r.told},     {"not_done", r.not_done},   {"latest", cases}};
}

std::string code(std::string_view text) { return fmt::format("`{}`", text); }

// A cell of a table: no bar may end it early.
std::string cell(std::string_view text) {
    std::string out;
    for (const char c : render::clean_text(text)) out += c == '|' ? std::string("\\|") : std::string(1, c);
    return out;
}

}  // namespace

std::string catalogue_text(std::span<const RemedyRecord> experience) {
    std::string out;
    for (const Symptom& symptom : all_symptoms(experience)) {
        out += fmt::format("{}\n  {}\n", symptom.name, symptom.means);
        if (!symptom.sign.empty()) out += fmt::format("  sign      {}\n", symptom.sign);
        for (std::size_t i = 0; i < symptom.evidence.size(); ++i)
            out += fmt::format("  {:<9} {}\n", i == 0 ? "evidence" : "", symptom.evidence[i]);
        for (const Line& line : lines_of(symptom, experience)) {
            out += fmt::format("  remedy    {}{}{}\n", render::clean_text(line.name), line.remedy ? ": " : "",
                               line.remedy ? line.remedy->what : "");
            if (!line.record) continue;
            out += fmt::format("            here so far: {}\n", counted(*line.record));
            for (const Case& c : line.record->latest) out += "            " + case_line(c) + "\n";
        }
        out += "\n";
    }
    return out;
}

std::string catalogue_markdown(std::span<const RemedyRecord> experience) {
    std::string out = "# Catalogue: debugging, profiling and tuning functions\n\n"
                      "Symptoms, where their evidence is, and what helps; written by `autotune catalogue --markdown`.\n";
    for (const Symptom& symptom : all_symptoms(experience)) {
        out += fmt::format("\n## {}\n\n{}\n\n", symptom.name, symptom.means);
        if (!symptom.sign.empty()) out += fmt::format("- **Sign:** {}\n", code(symptom.sign));
        if (!symptom.facts.empty()) {
            std::vector<std::string> names;
            for (const Fact fact : symptom.facts) names.push_back(code(info(fact).name));
            out += fmt::format("- **Facts:** {}\n", fmt::join(names, ", "));
        }
        if (!symptom.evidence.empty()) {
            std::vector<std::string> commands;
            for (const std::string_view command : symptom.evidence) commands.push_back(code(command));
            out += fmt::format("- **Evidence:** {}\n\n", fmt::join(commands, ", "));
        }
        out += "| remedy | | by | here so far |\n| --- | --- | --- | --- |\n";
        for (const Line& line : lines_of(symptom, experience))
            out += fmt::format("| {} | {} | {} | {} |\n", cell(line.name), line.remedy ? line.remedy->what : "",
                               line.remedy ? by(*line.remedy) : "", line.record ? counted(*line.record) : "–");
    }
    return out;
}

std::string catalogue_json(std::span<const RemedyRecord> experience) {
    Json all = Json::array();
    for (const Symptom& symptom : all_symptoms(experience)) {
        Json facts = Json::array(), remedies = Json::array();
        for (const Fact fact : symptom.facts) facts.push_back(info(fact).name);
        for (const Line& line : lines_of(symptom, experience))
            remedies.push_back({{"name", line.name},
                                {"what", line.remedy ? Json(line.remedy->what) : Json()},
                                {"by", line.remedy ? Json(by(*line.remedy)) : Json()},
                                {"record", line.record ? record_json(*line.record) : Json()}});
        all.push_back({{"name", symptom.name},
                       {"sign", symptom.sign},
                       {"means", symptom.means},
                       {"facts", facts},
                       {"evidence", symptom.evidence},
                       {"remedies", remedies}});
    }
    return Json{{"symptoms", all}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace autotune::cli
