#include "rules/yaml/reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "rules/cel/duration.hpp"
#include "rules/suggest.hpp"
#include "rules/yaml/scalar.hpp"

namespace autotune::rules {

namespace {

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

std::string shown(double v) {
    char text[40];
    std::snprintf(text, sizeof text, "%g", v);
    return text;
}

}  // namespace

std::string describe(const YamlNode& node) {
    constexpr std::size_t kShown = 40;
    switch (node.kind) {
        case YamlNode::Kind::null: return "nothing";
        case YamlNode::Kind::sequence: return "a list";
        case YamlNode::Kind::map: return "a map";
        case YamlNode::Kind::scalar: break;
    }
    return quoted(node.text.size() > kShown ? node.text.substr(0, kShown) + "…" : node.text);
}

bool Reader::expect_map(const YamlNode& node, std::string_view what,
                        std::initializer_list<std::string_view> keys) {
    if (node.kind == YamlNode::Kind::null) return true;
    if (node.kind != YamlNode::Kind::map) {
        error(node.at, std::string(what) + " must be a map (key: value), this is " + describe(node));
        return false;
    }
    for (std::size_t i = 0; i < node.keys.size(); ++i)
        if (std::find(keys.begin(), keys.end(), node.keys[i]) == keys.end())
            error(node.key_at[i], "unknown key " + quoted(node.keys[i]) + " in " + std::string(what) +
                                      did_you_mean(node.keys[i], {keys.begin(), keys.size()}));
    return true;
}

bool Reader::expect_sequence(const YamlNode& node, std::string_view what) {
    if (node.kind == YamlNode::Kind::sequence) return true;
    error(node.at, std::string(what) + " must be a list (- …), this is " + describe(node));
    return false;
}

std::optional<std::string> Reader::text_of(const YamlNode& node, std::string_view what) {
    if (node.kind != YamlNode::Kind::scalar) {
        error(node.at, std::string(what) + " must be text, this is " + describe(node));
        return std::nullopt;
    }
    if (node.style == YamlNode::Style::plain)
        if (const std::string_view other = not_text_to_some(node.text); !other.empty()) {
            error(node.at, std::string(what) + " must be text; " + quoted(node.text) + " is " +
                               std::string(other) + " to YAML readers, put it in quotes");
            return std::nullopt;
        }
    return node.text;
}

void Reader::read_text(const YamlNode& map, std::string_view key, std::string& out) {
    const YamlNode* node = map.find(key);
    if (!node) return;
    if (auto text = text_of(*node, quoted(key))) out = std::move(*text);
}

std::optional<std::string> Reader::numeral(const YamlNode& node, std::string_view key,
                                           std::string_view wanted) {
    if (node.kind != YamlNode::Kind::scalar || node.style != YamlNode::Style::plain) {
        const bool text = node.kind == YamlNode::Kind::scalar;
        error(node.at, quoted(key) + " must be " + std::string(wanted) + ", this is " +
                           (text ? "the text " : "") + describe(node));
        return std::nullopt;
    }
    if (const std::string plain = ambiguous_number(node.text); !plain.empty()) {
        error(node.at,
              quoted(node.text) + " is read as different numbers by different YAML readers; write " + plain);
        return std::nullopt;
    }
    if (!is_number(node.text)) {
        error(node.at, quoted(key) + " must be " + std::string(wanted) + ", this is " + describe(node));
        return std::nullopt;
    }
    return node.text;
}

void Reader::read_number(const YamlNode& map, std::string_view key, double& out, Range range) {
    const YamlNode* node = map.find(key);
    if (!node) return;
    const auto digits = numeral(*node, key, "a number");
    if (!digits) return;
    double value = 0;
    std::from_chars(digits->data(), digits->data() + digits->size(), value);
    if (value < range.least || value > range.most)
        error(node->at, quoted(key) + " must be between " + shown(range.least) + " and " + shown(range.most));
    else
        out = value;
}

void Reader::read_integer(const YamlNode& map, std::string_view key, std::int64_t& out, Range range) {
    const YamlNode* node = map.find(key);
    if (!node) return;
    const auto digits = numeral(*node, key, "a whole number");
    if (!digits) return;
    std::int64_t value = 0;
    const char* last = digits->data() + digits->size();
    const auto [end, failure] = std::from_chars(digits->data(), last, value);
    if (end != last && failure == std::errc{})
        error(node->at, quoted(key) + " must be a whole number, this is " + describe(*node));
    else if (failure != std::errc{} || static_cast<double>(value) < range.least ||
             static_cast<double>(value) > range.most)
        error(node->at, quoted(key) + " must be between " + shown(range.least) + " and " + shown(range.most));
    else
        out = value;
}

void Reader::read_count(const YamlNode& map, std::string_view key, std::uint32_t& out, Range range) {
    std::int64_t value = out;
    read_integer(map, key, value, range);
    out = static_cast<std::uint32_t>(value);
}

std::optional<Decimal> Reader::decimal_of(const YamlNode& node, std::string_view key) {
    const auto digits = numeral(node, key, "a number");
    if (!digits) return std::nullopt;
    const auto value = Decimal::parse(*digits);
    if (!value || value->too_large())
        error(node.at, quoted(key) + " must be below 1.7e20 and have at most 18 digits behind the point");
    else if (*value < Decimal())
        error(node.at, quoted(key) + " may not be negative");
    else
        return value;
    return std::nullopt;
}

void Reader::read_decimal(const YamlNode& map, std::string_view key, Decimal& out) {
    const YamlNode* node = map.find(key);
    if (!node) return;
    if (const auto value = decimal_of(*node, key)) out = *value;
}

void Reader::read_duration(const YamlNode& map, std::string_view key, Nanos& out) {
    const YamlNode* node = map.find(key);
    if (!node) return;
    if (node->kind != YamlNode::Kind::scalar) {
        error(node->at, quoted(key) + " must be a duration such as 15m, this is " + describe(*node));
        return;
    }
    const auto duration = cel::parse_duration(node->text);
    if (!duration)
        error(node->at, quoted(key) + " must be a duration such as 15m, 1h30m or 250ms, this is " +
                            describe(*node) +
                            (is_number(node->text) ? "; it needs a unit: " + node->text + "s" : ""));
    else if (*duration < Nanos(0))
        error(node->at, quoted(key) + " may not be negative");
    else
        out = *duration;
}

void Reader::read_labels(const YamlNode& map, std::string_view key, std::map<std::string, std::string>& out) {
    const YamlNode* node = map.find(key);
    if (!node) return;
    if (node->kind != YamlNode::Kind::map) {
        error(node->at, quoted(key) + " must be a map (name: value), this is " + describe(*node));
        return;
    }
    for (std::size_t i = 0; i < node->keys.size(); ++i)
        if (auto text = text_of(node->children[i], "label " + quoted(node->keys[i])))
            out[node->keys[i]] = *text;
}

void Reader::read_condition(const YamlNode& map, std::string_view key, std::optional<Condition>& out) {
    const YamlNode* node = map.find(key);
    if (!node) return;
    if (node->kind != YamlNode::Kind::scalar) {
        error(node->at,
              quoted(key) + " must be an expression, this is " + describe(*node) +
                  (node->kind == YamlNode::Kind::null ? "" : "; put it in quotes if it begins with { or ["));
        return;
    }
    CompiledCondition compiled = compile_condition(node->text, definitions_);
    for (const ExpressionIssue& issue : compiled.issues)
        error(inside(*node, issue.offset), "in " + quoted(key) + ": " + issue.message);
    if (!compiled.condition) return;
    out = std::move(compiled.condition);
    out->at = node->at;
}

void Reader::read_template(const YamlNode& map, std::string_view key, std::string& out) {
    const YamlNode* node = map.find(key);
    if (!node) return;
    auto text = text_of(*node, quoted(key));
    if (!text) return;
    if (const auto issue = check_template(*text))
        error(inside(*node, issue->offset), "in " + quoted(key) + ": " + issue->message);
    else
        out = std::move(*text);
}

std::optional<std::size_t> Reader::choose(const YamlNode& node, std::string_view key,
                                          std::span<const std::string_view> words) {
    if (node.kind == YamlNode::Kind::scalar) {
        const auto found = std::find(words.begin(), words.end(), node.text);
        if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    }
    std::string known;
    for (const std::string_view w : words) known += (known.empty() ? "" : ", ") + std::string(w);
    error(node.at, quoted(key) + " must be one of " + known + "; this is " + describe(node) +
                       (node.kind == YamlNode::Kind::scalar ? did_you_mean(node.text, words) : ""));
    return std::nullopt;
}

std::string_view Reader::line(int number) const {
    std::size_t begin = 0;
    for (int i = 1; i < number; ++i) {
        begin = source_.find('\n', begin);
        if (begin == std::string_view::npos) return {};
        ++begin;
    }
    return source_.substr(begin, source_.find('\n', begin) - begin);
}

// Exact where the text stands in the file as it is; else where the scalar begins.
Position Reader::inside(const YamlNode& scalar, std::size_t offset) const {
    const std::string_view text = scalar.text;
    const auto breaks = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n');
    const std::size_t row_begin = breaks == 0 ? 0 : text.rfind('\n', offset - 1) + 1;
    const std::string_view row = text.substr(row_begin, text.find('\n', row_begin) - row_begin);
    // On the scalar's own line (plain or quoted), else below it (block).
    for (const int down : {0, 1}) {
        const int number = scalar.at.line + static_cast<int>(breaks) + down;
        const std::size_t from =
            down == 0 && breaks == 0 ? static_cast<std::size_t>(scalar.at.column - 1) : 0;
        const std::size_t found = row.empty() ? std::string_view::npos : line(number).find(row, from);
        if (found != std::string_view::npos)
            return {number, static_cast<int>(found + offset - row_begin) + 1};
    }
    return scalar.at;
}

}  // namespace autotune::rules
