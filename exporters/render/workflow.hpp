// Workflows: for people (text, Graphviz, Mermaid, a page) and machines (JSON). Pure.
#pragma once

#include <string>
#include <vector>

#include "core/workflow.hpp"
#include "exporters/render/drawing.hpp"

namespace autotune::render {

// A line a step, its ways below it.
[[nodiscard]] std::string workflows_text(const std::vector<Workflow>& workflows);
// {"workflows":[{"name","start","steps":[{"name","kind","calls","function","waits","attempts","within","branch","ends",
// "visits","line","column"}],"links":[{"from","to","kind","when","probability"}],
// "calls":[{"to","times"}]}]}; what is not known is null. `calls`: of functions, all steps that call one
// together. One line.
[[nodiscard]] std::string workflows_json(const std::vector<Workflow>& workflows);
// Steps within a parallel or map step stand in a frame. Functions are round, choices diamonds.
[[nodiscard]] Drawing workflow_drawing(const std::vector<Workflow>& workflows);

}  // namespace autotune::render
