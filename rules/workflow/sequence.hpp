// OpenWhisk's sequences: actions that call others one after the other.
#pragma once

#include <vector>

#include "core/workflow.hpp"
#include "rules/yaml/reader.hpp"

namespace autotune::rules {

// An action (or a list of actions); those that are no sequences are passed over. A component that is a
// sequence of the same file is its own workflow too. What is wrong goes to `reader`.
[[nodiscard]] std::vector<Workflow> read_sequences(Reader& reader, const YamlNode& root);

}  // namespace autotune::rules
