#include "rules/cel/call_check.hpp"

#include <algorithm>

#include "rules/cel/duration.hpp"

namespace autotune::cel {

namespace {

// "_>=_" → ">=", "@in" → "in", "size" → "size"
std::string spelling(std::string_view function) {
    if (function == "_?_:_") return "?:";
    if (function == "_[_]") return "[]";
    if (function.find_first_of("_@") != 0) return std::string(function);
    std::string out;
    for (const char c : function)
        if (c != '_' && c != '@') out += c;
    return out;
}

bool is_number(Kind k) { return k == Kind::integer || k == Kind::unsigned_integer || k == Kind::number; }

bool fits(const Overload& o, const std::vector<Type>& types) {
    const auto takes = [](Kind parameter, const Type& given) {
        return parameter == Kind::dyn || given.open() || parameter == given.kind;
    };
    if (o.variadic)
        return !types.empty() && std::all_of(types.begin(), types.end(),
                                             [&](const Type& t) { return takes(o.parameters[0], t); });
    return std::equal(o.parameters.begin(), o.parameters.end(), types.begin(), types.end(), takes);
}

// Where the table says dyn or list and the language says "of the same type".
bool elements_fit(const CallSite& site) {
    const std::string& name = site.node().name;
    const auto& t = site.types;
    if (name == "_==_" || name == "_!=_") return agree(t[0], t[1]);
    if (name == "@in") return agree(t[0], t[1].kind == Kind::map ? t[1].key_type() : t[1].element_type());
    if (name == "_[_]" && t[0].kind == Kind::map) return agree(t[1], t[0].key_type());
    if (name == "join" && t[0].kind == Kind::list) return agree(t[0].element_type(), Kind::text);
    return true;
}

Type result(const CallSite& site, const std::vector<const Overload*>& fitting) {
    if (site.node().name == "_[_]") return site.types[0].element_type();
    for (const Overload* o : fitting)
        if (o->result.kind != fitting[0]->result.kind) return Kind::dyn;
    if (site.node().name == "_+_" && fitting[0]->result.kind == Kind::list)
        return join(site.types[0], site.types[1]);
    return fitting[0]->result;
}

std::string hint(const CallSite& site) {
    const auto any = [&](auto wanted) {
        return std::any_of(site.types.begin(), site.types.end(),
                           [&](const Type& t) { return wanted(t.kind); });
    };
    const bool duration = any([](Kind k) { return k == Kind::duration; });
    if (duration && site.types.size() == 2) return "; a duration is written duration(\"5s\")";
    const bool integer = any([](Kind k) { return k == Kind::integer || k == Kind::unsigned_integer; });
    if (integer && any([](Kind k) { return k == Kind::number; }))
        return "; numbers of different types do not mix here: write 1.0 for 1, or double(…)";
    return "";
}

Issue no_overload(const CallSite& site) {
    const Node& n = site.node();
    std::string types;
    for (const Type& t : site.types) types += (types.empty() ? "" : " and ") + to_string(t);
    const bool symbol = n.name.find_first_of("_@") == 0 || n.name == "!_" || n.name == "-_";
    const std::string message =
        symbol ? "'" + spelling(n.name == "!_" || n.name == "-_" ? n.name.substr(0, 1) : n.name) +
                     "' does not take "
               : n.name + "() does not take ";
    return {n.offset, message + (types.empty() ? "no arguments" : types) + hint(site)};
}

// What can be known to fail is told now: duration("15 m"), x.matches("(").
void constant_argument(const CallSite& site, Meaning& meaning, std::vector<Issue>& issues) {
    if (site.types.empty()) return;
    const Node& last = site.ast.nodes[site.argument(site.types.size() - 1)];
    const auto* text = last.value.get<std::string>();
    if (!text || last.what != Node::What::literal) return;
    const std::string& name = site.node().name;
    if (name == "duration" && !parse_duration(*text))
        issues.push_back(
            {last.offset, "'" + *text + "' is no duration; durations look like \"1h30m\", \"250ms\""});
    if (name == "timestamp" && !parse_instant(*text))
        issues.push_back(
            {last.offset, "'" + *text + "' is no timestamp; they look like \"2009-02-13T23:31:30Z\""});
    if (name != "matches" || site.types.size() != 2) return;
    auto pattern = compile_pattern(*text);
    if (auto* why = std::get_if<std::string>(&pattern))
        issues.push_back({last.offset, "not a regular expression: " + *why});
    else
        meaning.pattern = std::get<std::shared_ptr<const Pattern>>(std::move(pattern));
    if (meaning.pattern) meaning.deed = Deed::matches;
}

}  // namespace

std::vector<Issue> check_logic(const CallSite& site, Meaning& meaning) {
    std::vector<Issue> issues;
    const Node& n = site.node();
    const auto offset = [&](std::size_t i) { return site.ast.nodes[site.argument(i)].offset; };
    if (meaning.deed != Deed::choose) {
        for (std::size_t i = 0; i < 2; ++i)
            if (!agree(site.types[i], Kind::boolean))
                issues.push_back(
                    {offset(i), "'" + spelling(n.name) + "' needs bool on both sides, this is " +
                                    to_string(site.types[i]) +
                                    (is_number(site.types[i].kind) ? "; compare it: … > 0" : "")});
        meaning.type = Kind::boolean;
        return issues;
    }
    if (!agree(site.types[0], Kind::boolean))
        issues.push_back({offset(0), "'?' needs bool before it, this is " + to_string(site.types[0])});
    if (!agree(site.types[1], site.types[2]))
        issues.push_back({n.offset, "the two choices of '?:' have different types, " +
                                        to_string(site.types[1]) + " and " + to_string(site.types[2])});
    meaning.type = join(site.types[1], site.types[2]);
    return issues;
}

std::vector<Issue> check_call(const CallSite& site, Meaning& meaning) {
    std::vector<const Overload*> fitting;
    for (const Overload& o : meaning.overloads)
        if (fits(o, site.types)) fitting.push_back(&o);
    if (fitting.empty() || !elements_fit(site)) return {no_overload(site)};
    meaning.type = result(site, fitting);
    if (fitting.size() == 1) {
        meaning.only = fitting[0];
        meaning.test = fitting[0]->test;
        if (meaning.test) meaning.compared = fitting[0]->parameters[0];
    }
    std::vector<Issue> issues;
    constant_argument(site, meaning, issues);
    return issues;
}

}  // namespace autotune::cel
