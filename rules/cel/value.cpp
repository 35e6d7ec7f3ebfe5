#include "rules/cel/value.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "rules/cel/duration.hpp"

namespace autotune::cel {

namespace {

constexpr std::array<Kind, 11> kKinds{Kind::null,   Kind::boolean, Kind::integer, Kind::unsigned_integer,
                                      Kind::number, Kind::text,    Kind::bytes,   Kind::duration,
                                      Kind::list,   Kind::unknown, Kind::failure};
static_assert(kKinds.size() == std::variant_size_v<Value::Data>);

std::optional<double> as_double(const Value& v) {
    if (const auto* i = v.get<std::int64_t>()) return static_cast<double>(*i);
    if (const auto* u = v.get<std::uint64_t>()) return static_cast<double>(*u);
    if (const auto* d = v.get<double>()) return *d;
    return std::nullopt;
}

// Of two integers of different signedness, without a detour that rounds.
std::partial_ordering compare_integers(std::int64_t a, std::uint64_t b) {
    if (a < 0) return std::partial_ordering::less;
    return static_cast<std::uint64_t>(a) <=> b;
}

std::optional<std::partial_ordering> compare_numbers(const Value& a, const Value& b) {
    const auto *ai = a.get<std::int64_t>(), *bi = b.get<std::int64_t>();
    const auto *au = a.get<std::uint64_t>(), *bu = b.get<std::uint64_t>();
    if (ai && bi) return *ai <=> *bi;
    if (au && bu) return *au <=> *bu;
    if (ai && bu) return compare_integers(*ai, *bu);
    if (au && bi) return 0 <=> compare_integers(*bi, *au);
    const auto ad = as_double(a), bd = as_double(b);
    if (ad && bd) return *ad <=> *bd;
    return std::nullopt;
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            (out += '\\') += c;
        else if (c == '\n')
            out += "\\n";
        else if (c == '\r')
            out += "\\r";
        else if (c == '\t')
            out += "\\t";
        else
            out += c;
    }
    return out + '"';
}

// Shortest form that reads back as the same double, and reads as a double.
std::string number_text(double d) {
    if (std::isnan(d)) return "NaN";
    if (std::isinf(d)) return d > 0 ? "+infinity" : "-infinity";
    char text[40];
    for (int digits = 6; digits <= 17; ++digits) {
        std::snprintf(text, sizeof text, "%.*g", digits, d);
        if (std::strtod(text, nullptr) == d) break;
    }
    std::string out = text;
    if (out.find_first_of(".e") == std::string::npos) out += ".0";
    return out;
}

struct Printer {
    std::string operator()(Null) const { return "null"; }
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(std::uint64_t v) const { return std::to_string(v) + "u"; }
    std::string operator()(double v) const { return number_text(v); }
    std::string operator()(const std::string& v) const { return quoted(v); }
    std::string operator()(const Bytes& v) const {
        std::string out = "b\"";
        char text[8];
        for (const unsigned char c : v.data) {
            std::snprintf(text, sizeof text, "\\x%02x", c);
            out += text;
        }
        return out + '"';
    }
    std::string operator()(Nanos v) const { return "duration(\"" + format_duration(v) + "\")"; }
    std::string operator()(const std::shared_ptr<const List>& v) const {
        std::string out = "[";
        for (const Value& element : *v) {
            if (out.size() > 1) out += ", ";
            out += to_string(element);
        }
        return out + "]";
    }
    std::string operator()(const Unknown& v) const { return "unknown: " + v.what; }
    std::string operator()(const Failure& v) const { return "error: " + v.message; }
};

}  // namespace

std::string_view to_string(Kind kind) {
    constexpr std::array<std::string_view, 12> kNames{"dyn",      "null_type", "bool",    "int",
                                                      "uint",     "double",    "string",  "bytes",
                                                      "duration", "list",      "unknown", "error"};
    return kNames[static_cast<std::size_t>(kind)];
}

Kind Value::kind() const { return kKinds[data_.index()]; }

bool equal(const Value& a, const Value& b) {
    if (const auto order = compare_numbers(a, b)) return *order == 0;
    const List *x = a.elements(), *y = b.elements();
    if (x && y) {
        if (x->size() != y->size()) return false;
        for (std::size_t i = 0; i < x->size(); ++i)
            if (!equal((*x)[i], (*y)[i])) return false;
        return true;
    }
    return a.data() == b.data();
}

std::optional<std::partial_ordering> compare(const Value& a, const Value& b) {
    if (const auto order = compare_numbers(a, b)) return order;
    if (a.kind() != b.kind()) return std::nullopt;
    if (const auto* t = a.get<std::string>()) return *t <=> *b.get<std::string>();
    if (const auto* t = a.get<Bytes>()) return *t <=> *b.get<Bytes>();
    if (const auto* t = a.get<bool>()) return *t <=> *b.get<bool>();
    if (const auto* t = a.get<Nanos>()) return *t <=> *b.get<Nanos>();
    return std::nullopt;
}

std::string to_string(const Value& value) { return std::visit(Printer{}, value.data()); }

}  // namespace autotune::cel
