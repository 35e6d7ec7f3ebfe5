#include "exporters/render/text.hpp"

#include <array>
#include <cstdint>
#include <cstdio>

namespace autotune::render {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct CodePoint {
    std::uint32_t value = 0;
    std::size_t size = 0;  // in bytes; 0 = not well formed
};

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Unicode 15, table 3-7.
CodePoint decode(std::string_view s) {
    const auto lead = static_cast<unsigned char>(s[0]);
    if (lead < 0x80) return {lead, 1};
    const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || s.size() < size) return {};
    std::uint32_t value = lead & (0x7Fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if (!continues(s[i])) return {};
        value = (value << 6) | (static_cast<unsigned char>(s[i]) & 0x3Fu);
    }
    constexpr std::array<std::uint32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value < kSmallest[size] || value > 0x10FFFF || surrogate) return {};
    return {value, size};
}

bool is_forbidden(std::uint32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xFFFE || c == 0xFFFF;
}

std::string print(const char* format, double value) {
    char text[48];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

}  // namespace

std::string clean_text(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    while (!bytes.empty()) {
        const CodePoint c = decode(bytes);
        if (c.size == 0) {
            out += kReplacement;
            bytes.remove_prefix(1);
            continue;
        }
        if (c.value == '\t' || c.value == '\n' || c.value == '\r')
            out += ' ';
        else if (is_forbidden(c.value))
            out += kReplacement;
        else
            out += bytes.substr(0, c.size);
        bytes.remove_prefix(c.size);
    }
    return out;
}

std::string xml_text(std::string_view bytes) {
    std::string out;
    for (const char c : clean_text(bytes)) switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    return out;
}

std::string json_string(std::string_view bytes) {
    std::string out = "\"";
    for (const char c : clean_text(bytes)) {
        if (c == '"' || c == '\\') out += '\\';
        if (c == '<')
            out += "\\u003c";
        else
            out += c;
    }
    return out + '"';
}

std::size_t length_of(std::string_view utf8) {
    std::size_t count = 0;
    for (const char c : utf8) count += !continues(c);
    return count;
}

std::string_view first_of(std::string_view utf8, std::size_t count) {
    std::size_t at = 0;
    for (; at < utf8.size(); ++at)
        if (!continues(utf8[at]) && count-- == 0) break;
    return utf8.substr(0, at);
}

std::string human_duration(double seconds) {
    if (seconds >= 1) return print("%.3g s", seconds);
    if (seconds >= 1e-3) return print("%.3g ms", seconds * 1e3);
    if (seconds >= 1e-6) return print("%.3g µs", seconds * 1e6);
    return print("%.3g ns", seconds * 1e9);
}

std::string human_bytes(double bytes) {
    if (bytes < 1024) return print("%.0f B", bytes);
    if (bytes < 1024.0 * 1024) return print("%.1f KiB", bytes / 1024);
    if (bytes < 1024.0 * 1024 * 1024) return print("%.1f MiB", bytes / (1024.0 * 1024));
    return print("%.2f GiB", bytes / (1024.0 * 1024 * 1024));
}

}  // namespace autotune::render
