#include "rules/cel/definitions.hpp"

#include <algorithm>
#include <array>

#include "rules/cel/parser.hpp"

namespace autotune::cel {

namespace {

struct Refused {  // never leaves this file
    Issue issue;
};

// Copies trees, children first. Recursion is bounded by kDeepestTree.
class Expansion {
public:
    explicit Expansion(const Definitions& definitions) : definitions_(definitions) {}

    NodeId copy(const Ast& from, NodeId id) {
        const Node& n = from.nodes[id];
        const bool bound = std::find(bound_.begin(), bound_.end(), n.name) != bound_.end();
        if (n.what == Node::What::identifier && !bound) {
            const auto* found = inside_ ? nullptr : find(n.name);
            if (found) return put(found->ast, n.offset);
        }
        Node out = n;
        if (inside_) out.offset = *inside_;
        // What is put in names what it names at the top, whatever is bound around it.
        if (inside_ && n.what == Node::What::identifier && !bound && n.name[0] != '.')
            out.name = "." + n.name;
        const std::size_t before = bound_.size();
        for (std::size_t i = 0; i < n.children.size(); ++i) {
            if (i == 1) bound_.insert(bound_.end(), n.variables.begin(), n.variables.end());
            out.children[i] = copy(from, n.children[i]);
        }
        bound_.resize(before);
        return add(std::move(out));
    }

    Ast take() { return std::move(out_); }

private:
    [[nodiscard]] const Definition* find(const std::string& name) const {
        const auto found = std::find_if(definitions_.begin(), definitions_.end(),
                                        [&](const Definition& d) { return d.name == name; });
        return found == definitions_.end() ? nullptr : &*found;
    }

    NodeId put(const Ast& definition, std::size_t offset) {
        std::vector<std::string> around;
        std::swap(around, bound_);
        inside_ = offset;
        const NodeId id = copy(definition, definition.root());
        inside_.reset();
        std::swap(around, bound_);
        return id;
    }

    NodeId add(Node node) {
        node.depth = 1;
        for (const NodeId child : node.children)
            node.depth = std::max(node.depth, out_.nodes[child].depth + 1);
        if (node.depth > kDeepestTree || out_.nodes.size() >= kMostExpandedNodes)
            throw Refused{{node.offset, "with its macros written out the expression is too large"}};
        out_.nodes.push_back(std::move(node));
        return out_.root();
    }

    const Definitions& definitions_;
    Ast out_;
    std::vector<std::string> bound_;     // variables of macros around the node
    std::optional<std::size_t> inside_;  // of a definition: the offset of its name
};

}  // namespace

std::variant<Ast, Issue> expand(const Ast& ast, const Definitions& definitions) {
    try {
        Expansion expansion(definitions);
        expansion.copy(ast, ast.root());
        return expansion.take();
    } catch (Refused& refused) {
        return std::move(refused.issue);
    }
}

bool may_be_defined(std::string_view name) {
    constexpr std::array<std::string_view, 18> kTaken{
        "fn",    "dep",    "slo", "cel", "math", "strings", "base64", "google", "bool",
        "bytes", "double", "dyn", "int", "list", "map",     "string", "type",   "uint"};
    if (std::find(kTaken.begin(), kTaken.end(), name) != kTaken.end() || name == "null_type") return false;
    const auto parsed = parse(name);
    const auto* ast = std::get_if<Ast>(&parsed);
    return ast && ast->nodes.size() == 1 && ast->nodes[0].what == Node::What::identifier &&
           ast->nodes[0].name == name;
}

}  // namespace autotune::cel
