// Reads a rules file: text in, RuleSet out, or every reason why not.
//
// Strict where YAML is loose: duplicate keys, unknown keys, wrong types, `010`, `on` and `yes`, merge
// keys, tags and second documents are errors; anchors are allowed and their expansion is bounded.
// Never throws, never crashes on garbage; no file is opened (the caller read it).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "rules/diagnostic.hpp"
#include "rules/rule_set.hpp"

namespace autotune::rules {

inline constexpr std::size_t kLargestFile = 1 << 20;  // bytes

struct Loaded {
    std::optional<RuleSet> rules;         // unset exactly when there is an error among:
    std::vector<Diagnostic> diagnostics;  // errors and warnings, by position
};
[[nodiscard]] Loaded load(std::string_view text, std::string_view file_name);

}  // namespace autotune::rules
