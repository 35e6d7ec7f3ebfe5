// Reads typed values out of a YAML tree and writes down everything that is wrong with them.
//
// A read_* function leaves its output alone when the key is not there or its value is wrong (then
// there is a diagnostic), so that one run finds all mistakes.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/decimal.hpp"
#include "core/time.hpp"
#include "rules/condition.hpp"
#include "rules/diagnostic.hpp"
#include "rules/yaml/tree.hpp"

namespace autotune::rules {

struct Range {
    double least, most;
};

template <class E>
struct Choice {
    std::string_view word;
    E value;
};

class Reader {
public:
    // Both outlive the reader.
    Reader(std::string_view source, std::vector<Diagnostic>& out) : source_(source), out_(out) {}
    // Of an included file: with what was defined before it.
    Reader(std::string_view source, std::vector<Diagnostic>& out, cel::Definitions definitions)
        : source_(source), out_(out), definitions_(std::move(definitions)) {}
    [[nodiscard]] const cel::Definitions& definitions() const { return definitions_; }
    void define(cel::Definitions definitions) { definitions_ = std::move(definitions); }

    void error(Position at, std::string message) {
        out_.push_back({Diagnostic::Kind::error, at, std::move(message), {}});
    }
    void warning(Position at, std::string message, std::string file = {}) {
        out_.push_back({Diagnostic::Kind::warning, at, std::move(message), std::move(file)});
    }

    // A map with no other keys than those. False: not a map. Nothing at all is an empty map.
    bool expect_map(const YamlNode& node, std::string_view what,
                    std::initializer_list<std::string_view> keys);
    bool expect_sequence(const YamlNode& node, std::string_view what);

    void read_text(const YamlNode& map, std::string_view key, std::string& out);
    void read_number(const YamlNode& map, std::string_view key, double& out, Range range);
    void read_integer(const YamlNode& map, std::string_view key, std::int64_t& out, Range range);
    void read_count(const YamlNode& map, std::string_view key, std::uint32_t& out, Range range);
    // Exact, and not below zero.
    void read_decimal(const YamlNode& map, std::string_view key, Decimal& out);
    std::optional<Decimal> decimal_of(const YamlNode& node, std::string_view key);
    void read_duration(const YamlNode& map, std::string_view key, Nanos& out);
    void read_labels(const YamlNode& map, std::string_view key, std::map<std::string, std::string>& out);
    void read_condition(const YamlNode& map, std::string_view key, std::optional<Condition>& out);
    // An expression that later ones may use by the name `key`; of text, the parse of it.
    void define_expression(const YamlNode& map, std::string_view key);
    // A list of texts or of numbers, likewise.
    void define_list(const YamlNode& map, std::string_view key);
    // Text with {{fact}} in it.
    void read_template(const YamlNode& map, std::string_view key, std::string& out);

    template <class E, std::size_t N>
    void read_choice(const YamlNode& map, std::string_view key, const std::array<Choice<E>, N>& choices,
                     E& out) {
        const YamlNode* node = map.find(key);
        if (!node) return;
        std::array<std::string_view, N> words;
        for (std::size_t i = 0; i < N; ++i) words[i] = choices[i].word;
        if (const auto i = choose(*node, key, words)) out = choices[*i].value;
    }

    // A scalar as text; nullopt and a diagnostic for what YAML readers take for something else.
    std::optional<std::string> text_of(const YamlNode& node, std::string_view what);

private:
    std::optional<std::size_t> choose(const YamlNode& node, std::string_view key,
                                      std::span<const std::string_view> words);
    // Plain scalars in one spelling that no YAML reader takes for another number.
    std::optional<std::string> numeral(const YamlNode& node, std::string_view key, std::string_view wanted);
    [[nodiscard]] Position inside(const YamlNode& scalar, std::size_t offset) const;
    [[nodiscard]] std::string_view line(int number) const;

    bool text_of_any(const YamlNode& node, std::string_view what);
    // True, or it was told why not.
    bool may_define(Position at, std::string_view name);

    std::string_view source_;
    std::vector<Diagnostic>& out_;
    cel::Definitions definitions_;
};

// "a list", "a map", "text", "nothing", "'on'": for messages.
[[nodiscard]] std::string describe(const YamlNode& node);

}  // namespace autotune::rules
