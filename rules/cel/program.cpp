#include "rules/cel/program.hpp"

#include <algorithm>

#include "rules/cel/evaluation.hpp"
#include "rules/cel/parser.hpp"

namespace autotune::cel {

Compilation compile(std::string_view source, const Environment& environment, Checking checking,
                    const Definitions& definitions) {
    Compilation out;
    auto parsed = parse(source);
    if (const Ast* ast = std::get_if<Ast>(&parsed); ast && !definitions.empty())
        parsed = expand(*ast, definitions);
    if (auto* issue = std::get_if<Issue>(&parsed)) {
        out.issues.push_back(std::move(*issue));
        return out;
    }
    Ast& ast = std::get<Ast>(parsed);
    Checked checked = check(ast, environment);
    if (checking == Checking::full && !checked.issues.empty()) {
        out.issues = std::move(checked.issues);
        std::stable_sort(out.issues.begin(), out.issues.end(),
                         [](const Issue& a, const Issue& b) { return a.offset < b.offset; });
        return out;
    }
    out.program = std::make_shared<const Program>(std::move(ast), std::move(checked));
    return out;
}

Value Program::evaluate(const Lookup& lookup) const {
    return Evaluation(ast_, checked_, lookup).value(ast_.root());
}

std::vector<std::size_t> Program::variables() const {
    std::vector<std::size_t> used;
    std::vector<NodeId> open{ast_.root()};  // only nodes that are evaluated: "a" of "a.b" may be no variable
    while (!open.empty()) {
        const NodeId id = open.back();
        open.pop_back();
        const Meaning& m = checked_.meanings[id];
        const bool leaf = m.deed == Deed::variable || m.deed == Deed::has_variable;
        if (leaf) used.push_back(m.index);
        if (leaf || m.deed == Deed::constant || m.deed == Deed::local) continue;
        const auto& children = ast_.nodes[id].children;
        open.insert(open.end(), children.begin() + m.first_child, children.end());
    }
    std::sort(used.begin(), used.end());
    used.erase(std::unique(used.begin(), used.end()), used.end());
    return used;
}

}  // namespace autotune::cel
