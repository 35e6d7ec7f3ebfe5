// A state machine of Amazon States Language.
#pragma once

#include "core/workflow.hpp"
#include "rules/yaml/reader.hpp"

namespace autotune::rules {

// Whether the document is one.
[[nodiscard]] bool is_state_machine(const YamlNode& root);

// What is wrong goes to `reader`.
[[nodiscard]] Workflow read_state_machine(Reader& reader, const YamlNode& root, std::string_view name);

}  // namespace autotune::rules
