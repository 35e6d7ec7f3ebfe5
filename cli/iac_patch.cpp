#include "cli/iac_patch.hpp"

#include <algorithm>
#include <charconv>
#include <cctype>
#include <map>
#include <optional>

namespace autotune::cli {

namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.push_back(text.substr(0, end));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return lines;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
    return text;
}

std::string_view unquoted(std::string_view text) {
    const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front();
    return quoted ? text.substr(1, text.size() - 2) : text;
}

std::optional<std::uint32_t> number_of(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(value) : std::nullopt;
}

// "key <separator> value", without a comment behind it.
struct Setting {
    std::string_view key, value;
};
std::optional<Setting> setting_of(std::string_view line, char separator) {
    std::string_view text = trimmed(line);
    if (text.starts_with("- ")) text = trimmed(text.substr(2));
    const std::size_t at = text.find(separator);
    if (text.starts_with('#') || at == std::string_view::npos) return std::nullopt;
    std::string_view value = trimmed(text.substr(at + 1));
    char quote = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const char c = value[i];
        if (quote != 0) {
            if (c == quote) quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if ((c == '#' || (c == '/' && value.substr(i).starts_with("//"))) &&
                   (i == 0 || std::isspace(static_cast<unsigned char>(value[i - 1])) != 0)) {
            value = trimmed(value.substr(0, i));
            break;
        }
    }
    return Setting{unquoted(trimmed(text.substr(0, at))), value};
}

std::string indentation_of(std::string_view line) {
    return std::string(line.substr(0, std::min(line.find_first_not_of(" \t"), line.size())));
}

// What is known of one description of a function.
struct Found {
    std::string_view name;
    std::optional<std::size_t> memory, beside;  // lines: that sets it; behind which it would be set
    std::string_view value;
    std::string indentation;  // of what would be set
};

void settle(const Found& found, std::string_view function, std::uint32_t memory_mb, const std::vector<std::string_view>& lines,
            std::string_view assignment, MemoryPlace& place) {
    if (found.name != function) return;
    const std::string wanted = std::to_string(memory_mb);
    if (!found.memory) {
        if (found.beside) place.edits.push_back({*found.beside + 1, "", found.indentation + std::string(assignment) + wanted});
        return;
    }
    const auto now = number_of(unquoted(found.value));
    if (!now) return place.computed.push_back(*found.memory + 1);
    if (*now == memory_mb) return;
    const std::string_view line = lines[*found.memory];
    const std::size_t at = static_cast<std::size_t>(unquoted(found.value).data() - line.data());
    place.edits.push_back({*found.memory + 1, std::string(line),
                           std::string(line.substr(0, at)) + wanted + std::string(line.substr(at + unquoted(found.value).size()))});
}

// Braces outside of strings and comments.
int depth_change(std::string_view line) {
    int change = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (quoted && line[i] == '\\') ++i;
        else if (line[i] == '"') quoted = !quoted;
        else if (!quoted && (line[i] == '#' || line.substr(i).starts_with("//"))) break;
        else if (!quoted && line[i] == '{') ++change;
        else if (!quoted && line[i] == '}') --change;
    }
    return change;
}

void find_in_terraform(const std::vector<std::string_view>& lines, std::string_view function, std::uint32_t mb, MemoryPlace& place) {
    int depth = 0;
    std::optional<Found> open;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const std::string_view line = trimmed(lines[i]);
        if (depth == 0 && line.starts_with("resource") && line.find("\"aws_lambda_function\"") != std::string_view::npos) open.emplace();
        if (open && depth == 1)
            if (const auto s = setting_of(lines[i], '=')) {
                if (s->key == "function_name") {
                    open->name = unquoted(s->value);
                    open->beside = i;
                    open->indentation = indentation_of(lines[i]);
                }
                if (s->key == "memory_size") open->memory = i, open->value = s->value;
            }
        depth += depth_change(lines[i]);
        if (open && depth == 0) {
            settle(*open, function, mb, lines, "memory_size = ", place);
            open.reset();
        }
    }
}

// Lines that belong to the key on line `at`: those that are indented deeper.
std::size_t block_end(const std::vector<std::string_view>& lines, std::size_t at) {
    const std::size_t indent = indentation_of(lines[at]).size();
    std::size_t end = at + 1;
    while (end < lines.size()) {
        const std::string_view text = trimmed(lines[end]);
        if (!text.empty() && !text.starts_with('#') && indentation_of(lines[end]).size() <= indent) break;
        ++end;
    }
    return end;
}

// Keys one level below `at`, as lines.
std::vector<std::size_t> children(const std::vector<std::string_view>& lines, std::size_t at) {
    std::vector<std::size_t> found;
    std::optional<std::size_t> indent;
    for (std::size_t i = at + 1; i < block_end(lines, at); ++i) {
        const std::string_view text = trimmed(lines[i]);
        if (text.empty() || text.starts_with('#')) continue;
        if (!indent) indent = indentation_of(lines[i]).size();
        if (indentation_of(lines[i]).size() == *indent && setting_of(lines[i], ':')) found.push_back(i);
    }
    return found;
}

std::optional<std::size_t> child(const std::vector<std::string_view>& lines, std::size_t at, std::string_view key) {
    for (const std::size_t i : children(lines, at))
        if (setting_of(lines[i], ':')->key == key) return i;
    return std::nullopt;
}

// `home`: the line whose children the settings are.
void settle_yaml(const std::vector<std::string_view>& lines, std::size_t home, Found found, std::string_view key, std::string_view function,
                 std::uint32_t mb, MemoryPlace& place) {
    const auto inside = children(lines, home);
    if (!inside.empty()) {
        found.beside = home;
        found.indentation = indentation_of(lines[inside.front()]);
    }
    found.memory = child(lines, home, key);
    if (found.memory) found.value = setting_of(lines[*found.memory], ':')->value;
    settle(found, function, mb, lines, std::string(key) + ": ", place);
}

void find_in_yaml(const std::vector<std::string_view>& lines, std::string_view function, std::uint32_t mb, MemoryPlace& place) {
    for (std::size_t top = 0; top < lines.size(); ++top) {
        if (lines[top].empty() || std::isspace(static_cast<unsigned char>(lines[top].front())) != 0) continue;
        const auto s = setting_of(lines[top], ':');
        if (!s || (s->key != "Resources" && s->key != "functions")) continue;
        for (const std::size_t entry : children(lines, top)) {
            Found found{.name = setting_of(lines[entry], ':')->key, .memory = {}, .beside = {}, .value = {}, .indentation = {}};
            if (s->key == "functions") {
                if (const auto name = child(lines, entry, "name")) found.name = unquoted(setting_of(lines[*name], ':')->value);
                settle_yaml(lines, entry, found, "memorySize", function, mb, place);
                continue;
            }
            const auto type = child(lines, entry, "Type"), properties = child(lines, entry, "Properties");
            if (!type || !properties) continue;
            const std::string_view kind = unquoted(setting_of(lines[*type], ':')->value);
            if (kind != "AWS::Serverless::Function" && kind != "AWS::Lambda::Function") continue;
            if (const auto name = child(lines, *properties, "FunctionName")) found.name = unquoted(setting_of(lines[*name], ':')->value);
            settle_yaml(lines, *properties, found, "MemorySize", function, mb, place);
        }
    }
}

}  // namespace

MemoryPlace find_memory(std::string_view text, std::string_view file_name, std::string_view function, std::uint32_t memory_mb) {
    MemoryPlace place;
    const auto lines = lines_of(text);
    if (file_name.ends_with(".tf"))
        find_in_terraform(lines, function, memory_mb, place);
    else if (file_name.ends_with(".yml") || file_name.ends_with(".yaml") || file_name.ends_with(".template"))
        find_in_yaml(lines, function, memory_mb, place);
    return place;
}

std::string unified_diff(std::string_view text, const std::string& path, const std::vector<LineEdit>& edits) {
    constexpr std::size_t kContext = 3;
    if (edits.empty()) return {};
    const auto lines = lines_of(text);
    std::map<std::size_t, const LineEdit*> by_line;
    for (const LineEdit& e : edits) by_line[e.line] = &e;
    std::string out = "--- a/" + path + "\n+++ b/" + path + "\n";
    std::ptrdiff_t shift = 0;
    for (auto e = by_line.begin(); e != by_line.end();) {
        const std::size_t from = e->first > kContext ? e->first - kContext : 1;
        std::size_t to = std::min(e->first + kContext, lines.size());
        auto last = std::next(e);
        for (; last != by_line.end() && last->first <= to + kContext + 1; ++last) to = std::min(last->first + kContext, lines.size());
        std::string hunk;
        std::ptrdiff_t added = 0;
        for (std::size_t n = from; n <= to; ++n) {
            const auto edit = by_line.find(n);
            const std::string line(lines[n - 1]);
            const std::string end = n == lines.size() && !text.ends_with('\n') ? "\n\\ No newline at end of file\n" : "\n";
            if (edit == by_line.end()) {
                hunk += " " + line + end;
            } else if (edit->second->before.empty()) {
                hunk += end == "\n" ? " " + line + "\n" : "-" + line + end + "+" + line + "\n";
                hunk += "+" + edit->second->after + end;
                ++added;
            } else {
                hunk += "-" + line + end + "+" + edit->second->after + end;
            }
        }
        const std::size_t count = to - from + 1;
        out += "@@ -" + std::to_string(from) + "," + std::to_string(count) + " +" +
               std::to_string(static_cast<std::ptrdiff_t>(from) + shift) + "," +
               std::to_string(static_cast<std::ptrdiff_t>(count) + added) + " @@\n" + hunk;
        shift += added;
        e = last;
    }
    return out;
}

}  // namespace autotune::cli
