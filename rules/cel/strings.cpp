// size, startsWith, endsWith, contains, matches.
#include <re2/re2.h>

#include "rules/cel/standard.hpp"
#include "rules/cel/string_literal.hpp"

namespace autotune::cel {

namespace {

const std::string& text(Arguments a, std::size_t i) { return *a[i].get<std::string>(); }

Value size_of_text(Arguments a) { return code_points(text(a, 0)); }
Value size_of_bytes(Arguments a) { return static_cast<std::int64_t>(a[0].get<Bytes>()->data.size()); }
Value size_of_list(Arguments a) { return static_cast<std::int64_t>(a[0].elements()->size()); }
Value starts_with(Arguments a) { return text(a, 0).starts_with(text(a, 1)); }
Value ends_with(Arguments a) { return text(a, 0).ends_with(text(a, 1)); }
Value contains(Arguments a) { return text(a, 0).find(text(a, 1)) != std::string::npos; }

// RE2 takes time linear in the text; its memory is bounded here.
RE2::Options pattern_options() {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    return options;
}

Value matches(Arguments a) {
    const RE2 pattern(text(a, 1), pattern_options());
    if (!pattern.ok()) return Value::failure("not a regular expression: " + pattern.error());
    return RE2::PartialMatch(text(a, 0), pattern);
}

}  // namespace

std::string pattern_error(const std::string& pattern) {
    const RE2 compiled(pattern, pattern_options());
    return compiled.ok() ? "" : compiled.error();
}

void add_strings(std::vector<Overload>& table) {
    for (const auto style : {Overload::Style::global, Overload::Style::member}) {
        table.push_back({"size", style, {Kind::text}, Kind::integer, size_of_text});
        table.push_back({"size", style, {Kind::bytes}, Kind::integer, size_of_bytes});
        table.push_back({"size", style, {Kind::list}, Kind::integer, size_of_list});
        table.push_back({"matches", style, {Kind::text, Kind::text}, Kind::boolean, matches});
    }
    const auto member = [&](std::string_view name, Value (*apply)(Arguments)) {
        table.push_back({name, Overload::Style::member, {Kind::text, Kind::text}, Kind::boolean, apply});
    };
    member("startsWith", starts_with);
    member("endsWith", ends_with);
    member("contains", contains);
}

}  // namespace autotune::cel
