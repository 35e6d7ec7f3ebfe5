#include "exporters/render/workflow.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 8> kSteps{"task", "choice", "parallel", "map",
                                                 "wait", "pass",   "succeed",  "fail"};
constexpr std::array<std::string_view, 5> kLinks{"next", "choice", "otherwise", "branch", "caught"};

std::string_view text_of(StepKind kind) { return kSteps[static_cast<std::size_t>(kind)]; }
std::string_view text_of(LinkKind kind) { return kLinks[static_cast<std::size_t>(kind)]; }

std::string number(double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
}

std::string times(const std::optional<double>& visits) { return visits ? "× " + number(*visits) : "× ?"; }

std::string what_of(const WorkflowStep& step) {
    std::string out(text_of(step.kind));
    if (step.kind == StepKind::task) out += " " + (step.calls.empty() ? "?" : clean_text(step.calls));
    if (step.kind == StepKind::task && !step.waits) out += ", not waited for";
    if (step.attempts > 1) out += ", up to " + std::to_string(step.attempts) + " attempts";
    return out;
}

std::string way_of(const WorkflowLink& link) {
    std::string out;
    if (link.kind == LinkKind::choice) out = link.when.empty() ? "if …" : "if " + clean_text(link.when);
    if (link.kind == LinkKind::otherwise) out = "otherwise";
    if (link.kind == LinkKind::caught) out = "on " + clean_text(link.when);
    if (link.probability) out += ", " + number(*link.probability);
    return out;
}

// What the workflow calls: by function, times an execution where all its steps are known.
std::map<std::string, std::optional<double>> functions_of(const Workflow& workflow) {
    std::map<std::string, std::optional<double>> out;
    for (const WorkflowStep& step : workflow.steps) {
        if (!step.is_function) continue;
        const auto [found, is_new] = out.try_emplace(step.calls, 0.0);
        if (!step.visits || !found->second)
            found->second.reset();
        else
            *found->second += *step.visits;
    }
    return out;
}

// Those that stand within a step, each with those within it.
void append_steps(std::string& out, const Workflow& workflow, std::uint32_t within,
                  const std::string& indent) {
    for (std::uint32_t i = 0; i < workflow.steps.size(); ++i) {
        const WorkflowStep& step = workflow.steps[i];
        if (step.within != within) continue;
        out += indent + clean_text(step.name) + "  " + what_of(step) + "  " + times(step.visits) + "\n";
        append_steps(out, workflow, i, indent + "    | ");
        for (const WorkflowLink& link : workflow.links) {
            if (link.from != i || link.kind == LinkKind::branch) continue;
            const std::string way = way_of(link);
            out += indent + "  → " + clean_text(workflow.steps[link.to].name) +
                   (way.empty() ? "" : "  " + way) + "\n";
        }
    }
}

Json optional_json(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

}  // namespace

std::string workflows_text(const std::vector<Workflow>& workflows) {
    std::string out;
    for (const Workflow& workflow : workflows) {
        out += "workflow " + clean_text(workflow.name) + "\n";
        append_steps(out, workflow, WorkflowStep::kTop, "  ");
        out += "\n";
        for (const auto& [name, often] : functions_of(workflow))
            out += clean_text(workflow.name) + " → " + (name.empty() ? "?" : clean_text(name)) + "  " +
                   times(often) + "\n";
    }
    return out;
}

std::string workflows_json(const std::vector<Workflow>& workflows) {
    Json all = Json::array();
    for (const Workflow& workflow : workflows) {
        Json steps = Json::array(), links = Json::array(), calls = Json::array();
        for (const WorkflowStep& step : workflow.steps)
            steps.push_back(
                {{"name", step.name},
                 {"kind", text_of(step.kind)},
                 {"calls", step.calls.empty() ? Json() : Json(step.calls)},
                 {"function", step.is_function},
                 {"waits", step.waits},
                 {"attempts", step.attempts},
                 {"within",
                  step.within == WorkflowStep::kTop ? Json() : Json(workflow.steps[step.within].name)},
                 {"branch", step.branch},
                 {"ends", step.ends},
                 {"visits", optional_json(step.visits)},
                 {"line", step.line},
                 {"column", step.column}});
        for (const WorkflowLink& link : workflow.links)
            links.push_back({{"from", workflow.steps[link.from].name},
                             {"to", workflow.steps[link.to].name},
                             {"kind", text_of(link.kind)},
                             {"when", link.when.empty() ? Json() : Json(link.when)},
                             {"probability", optional_json(link.probability)}});
        for (const auto& [name, often] : functions_of(workflow))
            calls.push_back({{"to", name.empty() ? Json() : Json(name)}, {"times", optional_json(often)}});
        all.push_back({{"name", workflow.name},
                       {"start", workflow.steps.empty() ? Json() : Json(workflow.steps[workflow.start].name)},
                       {"steps", steps},
                       {"links", links},
                       {"calls", calls}});
    }
    return Json{{"workflows", all}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Drawing workflow_drawing(const std::vector<Workflow>& workflows) {
    Drawing out;
    std::size_t steps = 0;
    for (const Workflow& workflow : workflows) {
        out.title += (out.title.empty() ? "" : ", ") + workflow.name;
        const auto base = static_cast<std::uint32_t>(out.nodes.size());
        std::map<std::uint32_t, std::uint32_t> frames;  // of a step that holds others
        for (const WorkflowStep& step : workflow.steps) {
            DrawnNode node{.label = step.name, .more = what_of(step) + " " + times(step.visits)};
            if (step.is_function) node.shape = Shape::round;
            if (step.kind == StepKind::choice) node.shape = Shape::diamond;
            if (step.kind == StepKind::succeed || step.kind == StepKind::fail) node.shape = Shape::circle;
            if (step.within != WorkflowStep::kTop) {
                const auto [found, is_new] = frames.try_emplace(step.within);
                if (is_new) {
                    out.groups.push_back(workflow.steps[step.within].name);
                    found->second = static_cast<std::uint32_t>(out.groups.size());
                }
                node.group = found->second;
            }
            out.nodes.push_back(std::move(node));
        }
        for (const WorkflowLink& link : workflow.links)
            out.edges.push_back({base + link.from, base + link.to, way_of(link), "",
                                 link.kind == LinkKind::caught ? Line::dashed : Line::plain});
        steps += workflow.steps.size();
    }
    out.about = std::to_string(workflows.size()) + (workflows.size() == 1 ? " workflow, " : " workflows, ") +
                std::to_string(steps) + " steps; broken lines are errors that are caught";
    return out;
}

}  // namespace autotune::render
