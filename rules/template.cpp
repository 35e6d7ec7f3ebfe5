// {{fact}} in the texts of annotations.
#include "rules/condition.hpp"
#include "rules/suggest.hpp"

namespace autotune::rules {

namespace {

struct Hole {
    std::size_t begin = 0, end = 0;  // of "{{…}}"
    std::string_view name;           // trimmed
    std::size_t name_offset = 0;
};

// The next {{…}} at or after `from`; without its "}}" it reaches to the end and has no name.
std::optional<Hole> next_hole(std::string_view text, std::size_t from) {
    const std::size_t begin = text.find("{{", from);
    if (begin == std::string_view::npos) return std::nullopt;
    const std::size_t close = text.find("}}", begin);
    if (close == std::string_view::npos) return Hole{begin, text.size(), {}, begin};
    std::size_t first = begin + 2, last = close;
    while (first < last && text[first] == ' ') ++first;
    while (last > first && text[last - 1] == ' ') --last;
    return Hole{begin, close + 2, text.substr(first, last - first), first};
}

}  // namespace

std::optional<ExpressionIssue> check_template(std::string_view text) {
    for (auto hole = next_hole(text, 0); hole; hole = next_hole(text, hole->end)) {
        if (!text.substr(hole->begin, hole->end - hole->begin).ends_with("}}"))
            return ExpressionIssue{hole->begin, "'{{' without '}}'"};
        if (find_fact(hole->name)) continue;
        std::vector<std::string_view> known;
        for (const FactInfo& f : fact_catalogue()) known.push_back(f.name);
        return ExpressionIssue{hole->name_offset, "there is no fact '" + std::string(hole->name) + "'" +
                                                      did_you_mean(hole->name, known)};
    }
    return std::nullopt;
}

std::string expand_template(std::string_view text, const FunctionFacts& facts,
                            std::optional<std::size_t> dependency) {
    std::string out;
    std::size_t done = 0;
    for (auto hole = next_hole(text, 0); hole; hole = next_hole(text, hole->end)) {
        out += text.substr(done, hole->begin - done);
        done = hole->end;
        const auto fact = find_fact(hole->name);
        const bool dep = hole->name.starts_with("dep.");
        if (!fact || (dep && (!dependency || *dependency >= facts.deps.size())))
            out += "unknown";
        else
            out += to_string(dep ? facts.deps[*dependency][*fact] : facts.fn[*fact]);
    }
    return out += text.substr(done);
}

}  // namespace autotune::rules
