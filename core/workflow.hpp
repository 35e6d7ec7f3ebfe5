// Workflow: steps and what follows them, as an orchestrator's definition says. Passive; read by
// rules/workflow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace autotune {

enum class StepKind : std::uint8_t { task, choice, parallel, map, wait, pass, succeed, fail };

// Why a step follows another. `branch`: of a parallel step or, once an item, of a map; the step that holds
// them goes on when all are done.
enum class LinkKind : std::uint8_t { next, choice, otherwise, branch, caught };

struct WorkflowLink {
    std::uint32_t from = 0, to = 0;  // steps
    LinkKind kind = LinkKind::next;
    std::string when;                   // choice: the condition, as it is written; caught: the errors' names
    std::optional<double> probability;  // of choice and otherwise, where it was given
};

struct WorkflowStep {
    std::string name;
    StepKind kind = StepKind::task;
    // Tasks: what is called: a function's name, or "dynamodb:putItem"; "" where only the input tells.
    std::string calls;
    bool is_function = false;     // `calls` is one
    bool waits = true;            // for the answer; else it goes on once the call is made
    std::uint32_t attempts = 1;   // at most, with retries
    std::uint32_t within = kTop;  // the parallel or map step that holds it
    std::uint32_t branch = 0;     // of that
    bool ends = false;            // nothing follows within its branch
    int line = 0, column = 0;
    std::optional<double> items;  // of a map, where it was given
    // Times that an execution in which nothing fails comes here; unset where a probability, a number of items
    // or a loop leaves it open.
    std::optional<double> visits;

    static constexpr std::uint32_t kTop = 0xffffffff;
};

struct Workflow {
    std::string name;
    std::vector<WorkflowStep> steps;  // in the file's order; those within a step behind it
    std::vector<WorkflowLink> links;  // by (from, as written)
    std::uint32_t start = 0;
};

}  // namespace autotune
