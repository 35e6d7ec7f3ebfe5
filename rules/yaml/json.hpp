// A JSON document (RFC 8259) as the same tree as YAML's, with positions: what people write by hand, or have
// written.
#pragma once

#include <string_view>

#include "rules/yaml/tree.hpp"

namespace autotune::rules {

enum class Syntax : std::uint8_t { yaml, json };

// Of a file: JSON where the name ends in .json, or says nothing and the text begins with { or [.
[[nodiscard]] Syntax syntax_of(std::string_view name, std::string_view text);

// Strict, and duplicate keys are refused; the first mistake ends it. Numbers are plain scalars as they are
// written, null is null. Nesting beyond 200 is refused. Never throws.
[[nodiscard]] YamlDocument parse_json(std::string_view text, std::size_t most_nodes = kMostNodes);

[[nodiscard]] YamlDocument parse_document(std::string_view text, Syntax syntax,
                                          std::size_t most_nodes = kMostNodes);

}  // namespace autotune::rules
