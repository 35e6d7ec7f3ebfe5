// Values as people read them.
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "rules/cel/duration.hpp"
#include "rules/cel/value.hpp"

namespace autotune::cel {

namespace {

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

struct Printer {
    std::string operator()(Null) const { return "null"; }
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(std::uint64_t v) const { return std::to_string(v) + "u"; }
    std::string operator()(double v) const {
        if (std::isinf(v)) return v > 0 ? "+infinity" : "-infinity";
        std::string out = shortest(v);  // reads as a double
        return out.find_first_of(".eN") == std::string::npos ? out + ".0" : out;
    }
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
    std::string operator()(Instant v) const { return "timestamp(\"" + format_instant(v) + "\")"; }
    std::string operator()(const std::shared_ptr<const List>& v) const {
        std::string out = "[";
        for (const Value& element : v->elements) {
            if (out.size() > 1) out += ", ";
            out += to_string(element);
        }
        return out + "]";
    }
    std::string operator()(const std::shared_ptr<const Map>& v) const {
        std::string out = "{";
        for (const auto& [key, value] : v->entries()) {
            if (out.size() > 1) out += ", ";
            out += to_string(key) + ": " + to_string(value);
        }
        return out + "}";
    }
    std::string operator()(const TypeName& v) const { return v.name; }
    std::string operator()(const Unknown& v) const { return "unknown: " + v.what; }
    std::string operator()(const Failure& v) const { return "error: " + v.message; }
};

}  // namespace

std::string shortest(double d) {
    if (std::isnan(d)) return "NaN";
    if (std::isinf(d)) return d > 0 ? "Infinity" : "-Infinity";
    std::array<char, 40> text{};
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), d).ptr};
}

std::string hexadecimal(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (const unsigned char c : bytes) (out += kDigits[c >> 4]) += kDigits[c & 15];
    return out;
}

std::string to_string(const Value& value) { return std::visit(Printer{}, value.data()); }

}  // namespace autotune::cel
