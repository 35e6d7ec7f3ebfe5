// The strings extension: charAt, indexOf, lastIndexOf, join, lowerAscii, upperAscii, replace, split,
// substring, trim, reverse, format, strings.quote. Positions count code points.
#include <algorithm>

#include "rules/cel/standard.hpp"
#include "rules/cel/utf8.hpp"

namespace autotune::cel {

namespace {

const std::string& text(Arguments a, std::size_t i = 0) { return arg<std::string>(a, i); }
std::int64_t number(Arguments a, std::size_t i) { return arg<std::int64_t>(a, i); }

Value outside(std::int64_t index) { return Value::failure("index out of range: " + std::to_string(index)); }
bool within(std::int64_t index, const std::u32string& in) {
    return index >= 0 && static_cast<std::uint64_t>(index) <= in.size();
}

Value char_at(Arguments a) {
    const std::u32string s = decode(text(a));
    const std::int64_t at = number(a, 1);
    if (!within(at, s)) return outside(at);
    return encode(std::u32string_view(s).substr(static_cast<std::size_t>(at), 1));
}

Value position(std::size_t found) {
    return found == std::u32string::npos ? Value(std::int64_t{-1}) : Value(static_cast<std::int64_t>(found));
}
Value index_of(Arguments a) {
    const std::u32string s = decode(text(a));
    const std::int64_t from = a.size() > 2 ? number(a, 2) : 0;
    if (!within(from, s)) return outside(from);
    return position(s.find(decode(text(a, 1)), static_cast<std::size_t>(from)));
}
Value last_index_of(Arguments a) {
    const std::u32string s = decode(text(a));
    const std::int64_t from = a.size() > 2 ? number(a, 2) : static_cast<std::int64_t>(s.size());
    if (!within(from, s)) return outside(from);
    return position(s.rfind(decode(text(a, 1)), static_cast<std::size_t>(from)));
}

Value substring(Arguments a) {
    const std::u32string s = decode(text(a));
    const std::int64_t from = number(a, 1),
                       to = a.size() > 2 ? number(a, 2) : static_cast<std::int64_t>(s.size());
    for (const std::int64_t index : {from, to})
        if (!within(index, s)) return outside(index);
    if (from > to)
        return Value::failure("invalid substring range. start: " + std::to_string(from) +
                              ", end: " + std::to_string(to));
    return encode(
        std::u32string_view(s).substr(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from)));
}

template <char First, char Last>
Value other_case(Arguments a) {
    std::string out = text(a);
    for (char& c : out)
        if (c >= First && c <= Last) c ^= 0x20;
    return out;
}

Value reverse(Arguments a) {
    std::u32string s = decode(text(a));
    std::reverse(s.begin(), s.end());
    return encode(s);
}

bool white(char32_t c) {
    return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
           c == 0x3000;
}
Value trim(Arguments a) {
    const std::u32string s = decode(text(a));
    const auto first = std::find_if_not(s.begin(), s.end(), white);
    const auto last = std::find_if_not(s.rbegin(), std::make_reverse_iterator(first), white).base();
    return encode(std::u32string_view(first, last));
}

// The pieces of `s` around the first `most` occurrences of `separator`, which may be between any two
// characters when it is empty.
std::vector<std::string> pieces(const std::string& s, const std::string& separator, std::size_t most) {
    std::vector<std::string> out;
    if (separator.empty()) {
        const std::u32string characters = decode(s);
        std::u32string_view rest = characters;
        for (; rest.size() > 1 && most > 0; --most, rest.remove_prefix(1))
            out.push_back(encode(rest.substr(0, 1)));
        if (!rest.empty()) out.push_back(encode(rest));
        return out;
    }
    std::size_t begin = 0;
    for (; most > 0; --most) {
        const std::size_t end = s.find(separator, begin);
        if (end == std::string::npos) break;
        out.push_back(s.substr(begin, end - begin));
        begin = end + separator.size();
    }
    out.push_back(s.substr(begin));
    return out;
}

Value split(Arguments a) {
    const std::int64_t limit = a.size() > 2 ? number(a, 2) : -1;
    std::vector<Value> out;
    if (limit == 0) return Value::list(std::move(out));
    const std::size_t most =
        limit < 0 ? kLongestList : std::min(static_cast<std::size_t>(limit - 1), kLongestList);
    for (std::string& piece : pieces(text(a), text(a, 1), most)) out.emplace_back(std::move(piece));
    return out.size() > kLongestList ? too_large() : Value::list(std::move(out));
}

Value replace(Arguments a) {
    const std::string &s = text(a), &old = text(a, 1), &by = text(a, 2);
    const std::int64_t limit = a.size() > 3 ? number(a, 3) : -1;
    if (limit == 0) return s;
    const std::size_t most = limit < 0 ? kLongestText : static_cast<std::size_t>(limit);
    std::string out;
    std::size_t done = 0;
    if (old.empty()) {  // before each character, and at the end
        const std::u32string characters = decode(s);
        if (std::min(characters.size() + 1, most) * by.size() + s.size() > kLongestText) return too_large();
        for (std::size_t i = 0; i <= characters.size(); ++i) {
            if (done++ < most) out += by;
            if (i < characters.size()) append_utf8(out, characters[i]);
        }
        return out;
    }
    std::size_t begin = 0;
    for (; done < most; ++done) {
        const std::size_t end = s.find(old, begin);
        if (end == std::string::npos) break;
        out.append(s, begin, end - begin) += by;
        if (out.size() > kLongestText) return too_large();
        begin = end + old.size();
    }
    out.append(s, begin);
    return out.size() > kLongestText ? too_large() : Value(std::move(out));
}

Value join(Arguments a) {
    const std::string separator = a.size() > 1 ? text(a, 1) : "";
    std::string out;
    bool first = true;
    for (const Value& v : *a[0].elements()) {
        const auto* piece = v.get<std::string>();
        if (!piece) return Value::failure("join() needs texts, this is " + std::string(to_string(v.kind())));
        if (!first) out += separator;
        out += *piece;
        first = false;
        if (out.size() > kLongestText) return too_large();
    }
    return out;
}

Value quote(Arguments a) {
    constexpr std::string_view kRaw = "\a\b\f\n\r\t\v\\\"", kNames = "abfnrtv\\\"";
    std::string out = "\"";
    for (const char32_t c : decode(text(a))) {
        const auto i = c < 0x80 ? kRaw.find(static_cast<char>(c)) : std::string_view::npos;
        if (i != std::string_view::npos)
            (out += '\\') += kNames[i];
        else
            append_utf8(out, c);
    }
    out += '"';
    return out.size() > kLongestText ? too_large() : Value(std::move(out));
}

Value formatted(Arguments a) { return format(text(a), *a[1].elements()); }

}  // namespace

void add_string_extension(std::vector<Overload>& table) {
    constexpr Kind kText = Kind::text, kInteger = Kind::integer;
    const auto member = [&](std::string_view name, std::vector<Kind> parameters, Type result,
                            Value (*apply)(Arguments)) {
        table.push_back({name, Style::member, std::move(parameters), std::move(result), apply});
    };
    member("charAt", {kText, kInteger}, kText, char_at);
    member("indexOf", {kText, kText}, kInteger, index_of);
    member("indexOf", {kText, kText, kInteger}, kInteger, index_of);
    member("lastIndexOf", {kText, kText}, kInteger, last_index_of);
    member("lastIndexOf", {kText, kText, kInteger}, kInteger, last_index_of);
    member("lowerAscii", {kText}, kText, other_case<'A', 'Z'>);
    member("upperAscii", {kText}, kText, other_case<'a', 'z'>);
    member("replace", {kText, kText, kText}, kText, replace);
    member("replace", {kText, kText, kText, kInteger}, kText, replace);
    member("split", {kText, kText}, Type::list_of(kText), split);
    member("split", {kText, kText, kInteger}, Type::list_of(kText), split);
    member("substring", {kText, kInteger}, kText, substring);
    member("substring", {kText, kInteger, kInteger}, kText, substring);
    member("trim", {kText}, kText, trim);
    member("reverse", {kText}, kText, reverse);
    member("join", {Kind::list}, kText, join);
    member("join", {Kind::list, kText}, kText, join);
    member("format", {kText, Kind::list}, kText, formatted);
    table.push_back({"strings.quote", Style::global, {kText}, kText, quote});
}

}  // namespace autotune::cel
