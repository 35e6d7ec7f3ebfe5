#include "analyzer/topology/workflow_visits.hpp"

#include <algorithm>
#include <charconv>
#include <string>

namespace autotune::analysis {

namespace {

bool is_way(const WorkflowLink& link) {
    return link.kind == LinkKind::choice || link.kind == LinkKind::otherwise;
}

// The rest of each choice of which all ways but one are given.
void give_rests(Workflow& workflow) {
    for (std::uint32_t step = 0; step < workflow.steps.size(); ++step) {
        WorkflowLink* open = nullptr;
        std::size_t unknown = 0;
        double given = 0;
        for (WorkflowLink& link : workflow.links) {
            if (link.from != step || !is_way(link)) continue;
            given += link.probability.value_or(0);
            if (link.probability) continue;
            open = &link;
            ++unknown;
        }
        if (unknown == 1) open->probability = std::max(0.0, 1 - given);
    }
}

}  // namespace

Status give(Workflow& workflow, std::string_view text) {
    const auto equals = text.rfind('=');
    double number = -1;
    if (equals != std::string_view::npos) {
        const std::string_view digits = text.substr(equals + 1);
        const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (failure != std::errc{} || end != digits.data() + digits.size()) number = -1;
    }
    if (!(number >= 0 && number < 1e15))
        return fail(Errc::invalid_argument,
                    "\"" + std::string(text) + "\" should be CHOICE>NEXT=PROBABILITY or MAP=ITEMS");
    const std::string_view what = text.substr(0, equals);
    const auto found = [&](std::string_view name) {
        return std::find_if(workflow.steps.begin(), workflow.steps.end(),
                            [&](const WorkflowStep& step) { return step.name == name; });
    };
    if (const auto step = found(what); step != workflow.steps.end() && step->kind == StepKind::map) {
        step->items = number;
        return ok();
    }
    const auto way = what.find('>');
    const std::string_view from = what.substr(0, way),
                           to = way == std::string_view::npos ? "" : what.substr(way + 1);
    double sum = 0;
    WorkflowLink* meant = nullptr;
    for (WorkflowLink& link : workflow.links) {
        if (!is_way(link) || workflow.steps[link.from].name != from) continue;
        if (!meant && !link.probability && workflow.steps[link.to].name == to) meant = &link;
        sum += link.probability.value_or(0);
    }
    if (!meant)
        return fail(Errc::not_found, "there is no map and no way of a choice \"" + std::string(what) + "\"");
    // A few thousandths of room, for thirds that are written with three digits.
    if (sum + number > 1.0005)
        return fail(Errc::invalid_argument,
                    "the ways of \"" + std::string(from) + "\" are more than 1 together");
    meant->probability = number;
    return ok();
}

void count_visits(Workflow& workflow) {
    give_rests(workflow);
    const auto count = workflow.steps.size();
    std::vector<std::uint32_t> waiting(count);
    std::vector<bool> open(count);  // not known, for something before is not
    std::vector<double> visits(count);
    const auto followed = [](const WorkflowLink& link) { return link.kind != LinkKind::caught; };
    for (const WorkflowLink& link : workflow.links)
        if (followed(link)) ++waiting[link.to];
    if (count > 0) visits[workflow.start] = 1;
    std::vector<std::uint32_t> ready;
    for (std::uint32_t i = 0; i < count; ++i)
        if (waiting[i] == 0) ready.push_back(i);
    for (std::size_t next = 0; next < ready.size(); ++next) {
        const std::uint32_t from = ready[next];
        const WorkflowStep& step = workflow.steps[from];
        const auto first =
            std::lower_bound(workflow.links.begin(), workflow.links.end(), from,
                             [](const WorkflowLink& link, std::uint32_t id) { return link.from < id; });
        for (auto link = first; link != workflow.links.end() && link->from == from; ++link) {
            if (!followed(*link)) continue;
            std::optional<double> often = 1;
            if (is_way(*link)) often = link->probability;
            if (link->kind == LinkKind::branch && step.kind == StepKind::map) often = step.items;
            const bool never = !open[from] && visits[from] == 0;  // then nobody has to know how often
            if (!never && (open[from] || !often)) open[link->to] = true;
            if (often) visits[link->to] += visits[from] * *often;
            if (--waiting[link->to] == 0) ready.push_back(link->to);
        }
    }
    for (std::uint32_t i = 0; i < count; ++i)
        if (waiting[i] == 0 && !open[i]) workflow.steps[i].visits = visits[i];
}

}  // namespace autotune::analysis
