// A YAML document as a plain tree with positions, read strictly. Knows nothing of rules.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/diagnostic.hpp"

namespace autotune::rules {

struct YamlNode {
    enum class Kind : std::uint8_t { null, scalar, sequence, map } kind = Kind::null;
    enum class Style : std::uint8_t { plain, quoted } style = Style::plain;  // of scalars; block is quoted
    Position at;
    std::string text;                // of scalars
    std::vector<std::string> keys;   // of maps: in the order of the file, no two alike
    std::vector<Position> key_at;    // of maps, one a key
    std::vector<YamlNode> children;  // of maps, one a key; of sequences

    [[nodiscard]] const YamlNode* find(std::string_view key) const;  // null: not there, or no map
};

// More nodes than this after aliases are expanded are refused, unless more are asked for.
inline constexpr std::size_t kMostNodes = 20'000;

struct YamlDocument {
    std::optional<YamlNode> root;         // unset when it could not be read at all
    std::vector<Diagnostic> diagnostics;  // duplicate keys, merge keys, tags, …
};
// Never throws.
[[nodiscard]] YamlDocument parse_yaml(std::string_view text, std::size_t most_nodes = kMostNodes);

}  // namespace autotune::rules
