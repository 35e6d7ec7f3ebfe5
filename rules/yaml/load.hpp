// Reads a rules file: text in, RuleSet out, or every reason why not.
//
// Strict where YAML is loose: duplicate keys, unknown keys, wrong types, `010`, `on` and `yes`, merge
// keys, tags and second documents are errors; anchors are allowed and their expansion is bounded.
// Never throws, never crashes on garbage; no file is opened (the caller reads them).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "rules/diagnostic.hpp"
#include "rules/rule_set.hpp"

namespace autotune::rules {

inline constexpr std::size_t kLargestFile = 1 << 20;  // bytes

struct Loaded {
    std::optional<RuleSet> rules;         // unset exactly when there is an error among:
    std::vector<Diagnostic> diagnostics;  // errors and warnings, by position
};
// Gives the bytes of an included file, by its path: that of the file which includes it, and what is written
// there.
using FileReader = std::function<Result<std::string>(const std::string& path)>;
inline constexpr std::size_t kMostIncluded = 100;  // files

// Without `read_file`, includes are errors, and so are tariffs that are files. `tariffs`: those that have names.
[[nodiscard]] Loaded load(std::string_view text, std::string_view file_name,
                          const FileReader& read_file = nullptr, Tariffs tariffs = nullptr);

}  // namespace autotune::rules
