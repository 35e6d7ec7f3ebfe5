#include "rules/workflow/states.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <string>

#include "rules/suggest.hpp"
#include "rules/workflow/resource.hpp"

namespace autotune::rules {

namespace {

constexpr std::array<Choice<StepKind>, 8> kTypes{{{"Task", StepKind::task},
                                                  {"Choice", StepKind::choice},
                                                  {"Parallel", StepKind::parallel},
                                                  {"Map", StepKind::map},
                                                  {"Wait", StepKind::wait},
                                                  {"Pass", StepKind::pass},
                                                  {"Succeed", StepKind::succeed},
                                                  {"Fail", StepKind::fail}}};

// A condition as people would read it; not evaluated. "$.total NumericGreaterThan 100".
std::string condition_text(const YamlNode& rule) {
    if (const YamlNode* condition = rule.find("Condition")) return condition->text;  // JSONata
    for (const std::string_view junction : {"And", "Or"})
        if (const YamlNode* list = rule.find(junction)) {
            std::string out;
            for (const YamlNode& each : list->children)
                out += (out.empty() ? "" : junction == "And" ? " and " : " or ") + condition_text(each);
            return "(" + out + ")";
        }
    if (const YamlNode* negated = rule.find("Not")) return "not " + condition_text(*negated);
    std::string variable, test;
    for (std::size_t i = 0; i < rule.keys.size(); ++i) {
        const std::string& key = rule.keys[i];
        if (key == "Variable")
            variable = rule.children[i].text;
        else if (key != "Next" && key != "Comment" && key != "Assign" && key != "Output")
            test += " " + key + " " + rule.children[i].text;
    }
    return variable + test;
}

class StatesReader {
public:
    explicit StatesReader(Reader& reader) : reader_(reader) {}

    Workflow read(const YamlNode& root, std::string_view name) {
        workflow_.name = name;
        if (const auto start = scope(root, WorkflowStep::kTop, 0)) workflow_.start = *start;
        std::stable_sort(workflow_.links.begin(), workflow_.links.end(),
                         [](const WorkflowLink& a, const WorkflowLink& b) { return a.from < b.from; });
        return std::move(workflow_);
    }

private:
    using Scope = std::map<std::string, std::uint32_t, std::less<>>;

    // States of one level, those within them too. Its first state.
    std::optional<std::uint32_t> scope(const YamlNode& node, std::uint32_t within, std::uint32_t branch) {
        const YamlNode *states = node.find("States"), *start = node.find("StartAt");
        if (!states || states->kind != YamlNode::Kind::map || states->children.empty()) {
            reader_.error(states ? states->at : node.at, "'States' must be a map of at least one state");
            return std::nullopt;
        }
        Scope here;
        for (std::size_t i = 0; i < states->keys.size(); ++i) {
            const auto id = static_cast<std::uint32_t>(workflow_.steps.size());
            here[states->keys[i]] = id;
            const Position at = states->key_at[i];
            if (const auto [same, is_new] = lines_.emplace(states->keys[i], at.line); !is_new)
                reader_.error(at, "there is a state '" + states->keys[i] + "' already, on line " +
                                      std::to_string(same->second));
            WorkflowStep step{.name = states->keys[i],
                              .within = within,
                              .branch = branch,
                              .line = at.line,
                              .column = at.column};
            const YamlNode& state = states->children[i];
            if (!state.find("Type")) reader_.error(at, "state '" + step.name + "' has no Type");
            reader_.read_choice(state, "Type", kTypes, step.kind);
            workflow_.steps.push_back(std::move(step));
        }
        for (std::size_t i = 0; i < states->keys.size(); ++i)
            state(here[states->keys[i]], states->children[i], here);
        std::optional<std::uint32_t> first;
        if (!start || start->kind != YamlNode::Kind::scalar)
            reader_.error(start ? start->at : node.at, "'StartAt' must name the first state");
        else
            first = state_named(*start, here, "StartAt");
        if (first) tell_unreachable(here, *first);
        return first;
    }

    std::optional<std::uint32_t> state_named(const YamlNode& node, const Scope& here, std::string_view key) {
        const auto found = node.kind == YamlNode::Kind::scalar ? here.find(node.text) : here.end();
        if (found != here.end()) return found->second;
        std::vector<std::string_view> names;
        for (const auto& [name, id] : here) names.push_back(name);
        reader_.error(
            node.at, "in '" + std::string(key) + "': there is no state " + describe(node) +
                         (within_another(node.text, here) ? " on this level: branches cannot leave each other"
                                                          : did_you_mean(node.text, names)));
        return std::nullopt;
    }

    [[nodiscard]] bool within_another(const std::string& name, const Scope& here) const {
        return !here.contains(name) &&
               std::any_of(workflow_.steps.begin(), workflow_.steps.end(),
                           [&](const WorkflowStep& step) { return step.name == name; });
    }

    void link(std::uint32_t from, const YamlNode& node, std::string_view key, const Scope& here,
              LinkKind kind, std::string when = {}) {
        if (const auto to = state_named(node, here, key))
            workflow_.links.push_back({from, *to, kind, std::move(when), {}});
    }

    void state(std::uint32_t id, const YamlNode& node, const Scope& here) {
        if (node.kind != YamlNode::Kind::map)
            return reader_.error(node.at, "a state must be a map, this is " + describe(node));
        const StepKind kind = workflow_.steps[id].kind;
        if (kind == StepKind::task) task(id, node);
        if (kind == StepKind::choice) choices(id, node, here);
        if (kind == StepKind::parallel) branches(id, node);
        if (kind == StepKind::map) items(id, node);
        if (kind == StepKind::wait) wait(node);
        what_follows(id, node, here);
        const bool may_fail = kind == StepKind::task || kind == StepKind::parallel || kind == StepKind::map;
        for (const std::string_view key : {"Catch", "Retry"})
            if (const YamlNode* list = node.find(key); list && !may_fail)
                reader_.error(list->at, "'" + std::string(key) + "' is for Task, Parallel and Map");
        if (may_fail) caught(id, node, here), retries(id, node);
    }

    void what_follows(std::uint32_t id, const YamlNode& node, const Scope& here) {
        WorkflowStep& step = workflow_.steps[id];
        const YamlNode *next = node.find("Next"), *end = node.find("End");
        const bool terminal = step.kind == StepKind::succeed || step.kind == StepKind::fail;
        if (terminal || step.kind == StepKind::choice) {
            for (const YamlNode* extra : {next, end})
                if (extra)
                    reader_.error(extra->at, "a " + std::string(terminal ? "last" : "Choice") +
                                                 " state has no Next and no End");
            step.ends = terminal;
            return;
        }
        const bool ends = end && end->text == "true";
        if (end && !ends && end->text != "false") reader_.error(end->at, "'End' must be true or false");
        if (ends == (next != nullptr))
            reader_.error(next ? next->at : Position{step.line, step.column},
                          "state '" + step.name + "' needs one of Next and \"End\": true");
        step.ends = ends;
        if (next && !ends) link(id, *next, "Next", here, LinkKind::next);
    }

    void task(std::uint32_t id, const YamlNode& node) {
        WorkflowStep& step = workflow_.steps[id];
        const YamlNode* resource = node.find("Resource");
        if (!resource || resource->kind != YamlNode::Kind::scalar)
            return reader_.error(resource ? resource->at : Position{step.line, step.column},
                                 "task '" + step.name + "' needs a Resource");
        CalledResource called = called_resource(resource->text);
        const YamlNode* given = node.find("Parameters");
        if (!given) given = node.find("Arguments");
        const auto named = [&](std::string_view key) {
            const YamlNode* value = given ? given->find(key) : nullptr;
            const bool computed =
                !value || value->kind != YamlNode::Kind::scalar || value->text.starts_with("{%");
            return computed ? std::string() : name_in_arn(value->text);
        };
        if (called.is_lambda_invoke) {
            called.name = named("FunctionName");
            called.is_function = true;
            const YamlNode* type = given ? given->find("InvocationType") : nullptr;
            if (type && type->text == "Event") called.waits = false;
        }
        if (called.is_start_execution) called.name = named("StateMachineArn");
        step.calls = std::move(called.name);
        step.is_function = called.is_function;
        step.waits = called.waits;
    }

    void choices(std::uint32_t id, const YamlNode& node, const Scope& here) {
        const YamlNode* rules = node.find("Choices");
        if (!rules || rules->kind != YamlNode::Kind::sequence || rules->children.empty())
            reader_.error(rules ? rules->at : node.at, "'Choices' must be a list of at least one rule");
        else
            for (const YamlNode& rule : rules->children) {
                const YamlNode* next = rule.find("Next");
                if (!next)
                    reader_.error(rule.at, "a rule of Choices needs a Next");
                else
                    link(id, *next, "Next", here, LinkKind::choice, condition_text(rule));
            }
        if (const YamlNode* otherwise = node.find("Default"))
            link(id, *otherwise, "Default", here, LinkKind::otherwise);
    }

    void branches(std::uint32_t id, const YamlNode& node) {
        const YamlNode* list = node.find("Branches");
        if (!list || list->kind != YamlNode::Kind::sequence || list->children.empty())
            return reader_.error(list ? list->at : node.at,
                                 "'Branches' must be a list of at least one branch");
        for (std::uint32_t i = 0; i < list->children.size(); ++i) within(id, list->children[i], i);
    }

    void items(std::uint32_t id, const YamlNode& node) {
        const YamlNode* body = node.find("ItemProcessor");
        if (!body) body = node.find("Iterator");
        if (!body) return reader_.error(node.at, "a Map needs an ItemProcessor (or Iterator)");
        within(id, *body, 0);
    }

    void within(std::uint32_t id, const YamlNode& node, std::uint32_t branch) {
        if (const auto first = scope(node, id, branch))
            workflow_.links.push_back({id, *first, LinkKind::branch, {}, {}});
    }

    void wait(const YamlNode& node) {
        constexpr std::string_view kHow[] = {"Seconds", "Timestamp", "SecondsPath", "TimestampPath"};
        const auto given = std::count_if(std::begin(kHow), std::end(kHow),
                                         [&](std::string_view key) { return node.find(key) != nullptr; });
        if (given != 1)
            reader_.error(node.at, "a Wait needs one of Seconds, Timestamp, SecondsPath and TimestampPath");
    }

    void caught(std::uint32_t id, const YamlNode& node, const Scope& here) {
        const YamlNode* list = node.find("Catch");
        if (!list || !reader_.expect_sequence(*list, "'Catch'")) return;
        for (const YamlNode& catcher : list->children) {
            const YamlNode *errors = catcher.find("ErrorEquals"), *next = catcher.find("Next");
            std::string names;
            if (errors)
                for (const YamlNode& error : errors->children)
                    names += (names.empty() ? "" : ", ") + error.text;
            if (names.empty()) reader_.error(catcher.at, "a catcher needs a list of errors, ErrorEquals");
            if (!next)
                reader_.error(catcher.at, "a catcher needs a Next");
            else
                link(id, *next, "Next", here, LinkKind::caught, names);
        }
    }

    // The most that one of its errors is retried: 3 unless it says so.
    void retries(std::uint32_t id, const YamlNode& node) {
        const YamlNode* list = node.find("Retry");
        if (!list || !reader_.expect_sequence(*list, "'Retry'")) return;
        for (const YamlNode& retrier : list->children) {
            if (!retrier.find("ErrorEquals"))
                reader_.error(retrier.at, "a retrier needs a list of errors, ErrorEquals");
            std::int64_t most = 3;
            reader_.read_integer(retrier, "MaxAttempts", most, {0, 99'999'999});
            WorkflowStep& step = workflow_.steps[id];
            step.attempts = std::max(step.attempts, static_cast<std::uint32_t>(most) + 1);
        }
    }

    void tell_unreachable(const Scope& here, std::uint32_t first) {
        std::vector<bool> reached(workflow_.steps.size());
        std::vector<std::uint32_t> open{first};
        reached[first] = true;
        while (!open.empty()) {
            const std::uint32_t at = open.back();
            open.pop_back();
            for (const WorkflowLink& l : workflow_.links)
                if (l.from == at && !reached[l.to]) {
                    reached[l.to] = true;
                    open.push_back(l.to);
                }
        }
        for (const auto& [name, id] : here)
            if (!reached[id])
                reader_.warning({workflow_.steps[id].line, workflow_.steps[id].column},
                                "nothing leads to state '" + name + "'");
    }

    Reader& reader_;
    Workflow workflow_;
    std::map<std::string, int> lines_;
};

}  // namespace

bool is_state_machine(const YamlNode& root) { return root.find("States") || root.find("StartAt"); }

Workflow read_state_machine(Reader& reader, const YamlNode& root, std::string_view name) {
    return StatesReader(reader).read(root, name);
}

}  // namespace autotune::rules
