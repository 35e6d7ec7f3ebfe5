// macros and lists: names for expressions and values, for the conditions below them.
#include <algorithm>
#include <charconv>

#include "rules/cel/parser.hpp"
#include "rules/suggest.hpp"
#include "rules/yaml/reader.hpp"
#include "rules/yaml/scalar.hpp"
#include "rules/yaml/sections.hpp"

namespace autotune::rules {

namespace {

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

// 1 is an int, 1.5 a double, all else text.
cel::Value element(const YamlNode& node) {
    std::int64_t integer = 0;
    double number = 0;
    const char *begin = node.text.data(), *end = begin + node.text.size();
    if (node.style == YamlNode::Style::plain && is_number(node.text)) {
        if (std::from_chars(begin, end, integer).ptr == end) return integer;
        if (std::from_chars(begin, end, number).ptr == end) return number;
    }
    return node.text;
}

}  // namespace

bool Reader::may_define(Position at, std::string_view name) {
    const auto same = [&](const cel::Definition& d) { return d.name == name; };
    if (!cel::may_be_defined(name))
        error(at, quoted(name) +
                      " cannot be defined: a name has letters, digits and '_', and is not one that CEL or "
                      "facts use");
    else if (std::any_of(definitions_.begin(), definitions_.end(), same))
        error(at, quoted(name) + " is defined twice");
    else
        return true;
    return false;
}

void Reader::define_expression(const YamlNode& map, std::string_view key) {
    const YamlNode* node = map.find(key);
    if (!node || !may_define(node->at, key)) return;
    if (node->kind != YamlNode::Kind::scalar)
        return error(node->at, quoted(key) + " must be an expression, this is " + describe(*node));
    const auto issues = check_expression(node->text, definitions_);
    for (const ExpressionIssue& issue : issues)
        error(inside(*node, issue.offset), "in " + quoted(key) + ": " + issue.message);
    auto parsed = cel::parse(node->text);
    auto* ast = std::get_if<cel::Ast>(&parsed);
    if (!ast || !issues.empty()) return;
    auto whole = cel::expand(*ast, definitions_);
    if (auto* expanded = std::get_if<cel::Ast>(&whole))
        definitions_.push_back({std::string(key), std::move(*expanded)});
}

void Reader::define_list(const YamlNode& map, std::string_view key) {
    const YamlNode* node = map.find(key);
    if (!node || !may_define(node->at, key) || !expect_sequence(*node, quoted(key))) return;
    cel::Ast ast;
    cel::Node list{.what = cel::Node::What::list, .depth = 2};
    for (const YamlNode& child : node->children) {
        if (!text_of_any(child, "an element of " + quoted(key))) continue;
        list.children.push_back(static_cast<cel::NodeId>(ast.nodes.size()));
        ast.nodes.push_back({.what = cel::Node::What::literal, .value = element(child)});
        if (ast.nodes.back().value.kind() != ast.nodes.front().value.kind())
            error(child.at, "the elements of " + quoted(key) + " are of different types");
    }
    ast.nodes.push_back(std::move(list));
    definitions_.push_back({std::string(key), std::move(ast)});
}

// A scalar that all YAML readers read alike: text, or a number.
bool Reader::text_of_any(const YamlNode& node, std::string_view what) {
    const bool number = node.kind == YamlNode::Kind::scalar && node.style == YamlNode::Style::plain &&
                        is_number(node.text) && ambiguous_number(node.text).empty();
    return number || text_of(node, what).has_value();
}

void read_macros(Reader& reader, const YamlNode& node) {
    if (node.kind != YamlNode::Kind::map)
        return reader.error(node.at, "'macros' must be a map (name: expression), this is " + describe(node));
    for (const std::string& name : node.keys) reader.define_expression(node, name);
}

void read_lists(Reader& reader, const YamlNode& node) {
    if (node.kind != YamlNode::Kind::map)
        return reader.error(node.at, "'lists' must be a map (name: [value, …]), this is " + describe(node));
    for (const std::string& name : node.keys) reader.define_list(node, name);
}

}  // namespace autotune::rules
