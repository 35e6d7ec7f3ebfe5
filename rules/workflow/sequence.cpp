#include "rules/workflow/sequence.hpp"

#include <string>
#include <string_view>

namespace autotune::rules {

namespace {

// "/_/orders" is the caller's own; "/guest/shop/orders" is told with its namespace.
std::string action_name(std::string_view path) {
    if (path.starts_with("/_/")) path.remove_prefix(3);
    if (path.starts_with("/")) path.remove_prefix(1);
    return std::string(path);
}

void read_action(Reader& reader, const YamlNode& node, std::vector<Workflow>& out) {
    if (node.kind != YamlNode::Kind::map)
        return reader.error(node.at, "an action must be a map, this is " + describe(node));
    const YamlNode *exec = node.find("exec"), *name = node.find("name");
    const YamlNode* kind = exec ? exec->find("kind") : nullptr;
    if (!exec || !kind)
        return reader.error(node.at,
                            "neither a state machine (StartAt, States) nor an OpenWhisk action (exec: kind)");
    if (kind->text != "sequence") return;
    const YamlNode* components = exec->find("components");
    if (!components || components->kind != YamlNode::Kind::sequence || components->children.empty())
        return reader.error(components ? components->at : exec->at,
                            "a sequence needs components: a list of at least one action");
    Workflow workflow{.name = name ? name->text : "sequence"};
    for (const YamlNode& component : components->children) {
        if (component.kind != YamlNode::Kind::scalar || component.text.empty())
            return reader.error(component.at,
                                "a component must be an action's name, this is " + describe(component));
        const auto id = static_cast<std::uint32_t>(workflow.steps.size());
        const std::string called = action_name(component.text);
        // One action may come twice: steps are told apart by their place.
        workflow.steps.push_back({.name = std::to_string(id + 1) + ". " + called,
                                  .calls = called,
                                  .is_function = true,
                                  .line = component.at.line,
                                  .column = component.at.column});
        if (id > 0) workflow.links.push_back({id - 1, id, LinkKind::next, {}, {}});
    }
    workflow.steps.back().ends = true;
    out.push_back(std::move(workflow));
}

}  // namespace

std::vector<Workflow> read_sequences(Reader& reader, const YamlNode& root) {
    std::vector<Workflow> out;
    if (root.kind == YamlNode::Kind::sequence)
        for (const YamlNode& node : root.children) read_action(reader, node, out);
    else
        read_action(reader, root, out);
    return out;
}

}  // namespace autotune::rules
