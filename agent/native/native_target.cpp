#include "agent/native/native_target.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <utility>

namespace autotune::native {

namespace {

constexpr std::uint32_t kMostArguments = 6;
constexpr std::size_t kMostValues = 8;

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_name(std::string_view text) {
    const auto may_begin = [](char c) {
        return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
    };
    const auto may_follow = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':' || c == '.' ||
               c == '$';
    };
    return !text.empty() && may_begin(text[0]) && std::ranges::all_of(text, may_follow);
}

std::optional<ValueType> type_named(std::string_view name) {
    static constexpr std::array<std::pair<std::string_view, ValueType>, 10> kTypes{
        {{"char", ValueType::i8},
         {"short", ValueType::i16},
         {"int", ValueType::i32},
         {"long", ValueType::i64},
         {"uchar", ValueType::u8},
         {"ushort", ValueType::u16},
         {"uint", ValueType::u32},
         {"ulong", ValueType::u64},
         {"ptr", ValueType::pointer},
         {"str", ValueType::text}}};
    for (const auto& [text, type] : kTypes)
        if (text == name) return type;
    return std::nullopt;
}

// N of "argN"; none when it is not of that form at all; 0 when N is not 1 to 6.
std::optional<std::uint32_t> argument_number(std::string_view name) {
    if (!name.starts_with("arg") || name.size() < 4) return std::nullopt;
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(name.data() + 3, name.data() + name.size(), number);
    if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
    return number <= kMostArguments ? number : 0;
}

Result<ValueWish> parse_value(std::string_view text) {
    text = trimmed(text);
    ValueWish wish{.text = std::string(text)};
    std::string_view name = text;
    if (const auto blank = text.find_first_of(" \t"); blank != std::string_view::npos) {
        const auto type = type_named(text.substr(0, blank));
        if (!type)
            return fail(Errc::invalid_argument, "\"" + std::string(text.substr(0, blank)) +
                                                    "\" is no type; there are char, short, int, long, uchar, "
                                                    "ushort, uint, ulong, ptr and str");
        wish.type = *type;
        name = trimmed(text.substr(blank));
    }
    if (const auto number = argument_number(name)) {
        if (*number == 0)
            return fail(Errc::invalid_argument, std::string(name) + ": arguments are arg1 to arg6");
        wish.argument = *number;
        return wish;
    }
    if (!is_name(name))
        return fail(Errc::invalid_argument, "\"" + std::string(text) + "\" is neither argN nor a variable");
    wish.variable = std::string(name);
    return wish;
}

Result<std::vector<ValueWish>> parse_values(std::string_view text) {
    std::vector<ValueWish> values;
    for (;;) {
        const auto comma = text.find(',');
        auto value = parse_value(text.substr(0, comma));
        if (!value) return value.forward();
        values.push_back(*std::move(value));
        if (values.size() > kMostValues)
            return fail(Errc::invalid_argument, "more than 8 values at one place");
        if (comma == std::string_view::npos) return values;
        text.remove_prefix(comma + 1);
    }
}

// The colon between file and function: not one of the two in `ns::f`.
std::size_t separator(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != ':') continue;
        if (i + 1 < text.size() && text[i + 1] == ':') {
            ++i;
            continue;
        }
        return i;
    }
    return std::string_view::npos;
}

std::optional<std::pair<std::string_view, std::uint32_t>> file_and_line(std::string_view place) {
    const auto colon = place.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || place[colon - 1] == ':') return std::nullopt;
    std::uint32_t line = 0;
    const auto [end, error] = std::from_chars(place.data() + colon + 1, place.data() + place.size(), line);
    if (error != std::errc() || end != place.data() + place.size() || line == 0) return std::nullopt;
    return std::pair(place.substr(0, colon), line);
}

Result<NativeTarget> parse_place(std::string_view text) {
    const auto colon = separator(text);
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size())
        return fail(Errc::invalid_argument,
                    "\"" + std::string(text) + "\" is not BIN:FUNCTION or BIN:FILE:LINE");
    NativeTarget target{.text = std::string(text), .binary = std::string(text.substr(0, colon))};
    const std::string_view place = text.substr(colon + 1);
    if (const auto line = file_and_line(place)) {
        target.file = std::string(line->first);
        target.line = line->second;
    } else {
        target.glob = std::string(place);
    }
    return target;
}

}  // namespace

Result<NativeTarget> parse_native_target(std::string_view text) {
    text = trimmed(text);
    std::string_view place = text;
    std::vector<ValueWish> values;
    const auto bracket = text.rfind('(');
    if (text.ends_with(')') && bracket != std::string_view::npos) {
        // Arguments to show, or else the parameters of a C++ function, which belong to its name.
        const std::string_view inside = text.substr(bracket + 1, text.size() - bracket - 2);
        auto parsed = parse_values(inside);
        if (parsed && std::ranges::all_of(*parsed, [](const ValueWish& v) { return v.argument != 0; })) {
            values = *std::move(parsed);
            place = trimmed(text.substr(0, bracket));
        } else if (trimmed(inside).starts_with("arg") && !parsed) {
            return parsed.forward();
        }
    }
    auto target = parse_place(place);
    if (!target) return target;
    target->text = std::string(text);
    target->values = std::move(values);
    return target;
}

Result<NativeTarget> parse_native_watch(std::string_view text) {
    text = trimmed(text);
    const auto blank = text.find_first_of(" \t");
    if (blank == std::string_view::npos)
        return fail(Errc::invalid_argument,
                    "\"" + std::string(text) + "\" does not say what to watch: BIN:FUNCTION EXPRESSION");
    auto target = parse_place(text.substr(0, blank));
    if (!target) return target;
    auto values = parse_values(text.substr(blank));
    if (!values) return values.forward();
    target->text = std::string(text);
    target->values = *std::move(values);
    return target;
}

}  // namespace autotune::native
