// How often an execution comes to each step of a workflow. Pure.
#pragma once

#include <string_view>

#include "core/result.hpp"
#include "core/workflow.hpp"

namespace autotune::analysis {

// Puts in what no definition says: "STEP>NEXT=0.3", of a choice, how probable that way is; "STEP=12", of a
// map, how many items it has. Errors: not_found for a step or way that is not there, invalid_argument for a
// number that cannot be.
[[nodiscard]] Status give(Workflow& workflow, std::string_view text);

// Fills in WorkflowStep::visits: of an execution in which nothing fails and nothing is tried again. Where all
// ways of a choice but one have their probability, the last has the rest. What is not known, and loops, leave
// all that follows open.
void count_visits(Workflow& workflow);

}  // namespace autotune::analysis
