#include "rules/cel/utf8.hpp"

namespace autotune::cel {

namespace {

// The character at the front and its length; length 0 when there is none.
struct Decoded {
    char32_t c = 0;
    std::size_t length = 0;
};
Decoded front(std::string_view s) {
    const auto lead = static_cast<unsigned char>(s[0]);
    if (lead < 0x80) return {lead, 1};
    const std::size_t length = lead >= 0xC2 && lead < 0xE0   ? 2
                               : lead >= 0xE0 && lead < 0xF0 ? 3
                               : lead >= 0xF0 && lead < 0xF5 ? 4
                                                             : 0;
    if (length == 0 || length > s.size()) return {};
    char32_t c = lead & (0x7Fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        const auto next = static_cast<unsigned char>(s[i]);
        if ((next & 0xC0) != 0x80) return {};
        c = c << 6 | (next & 0x3F);
    }
    const bool too_long = (length == 3 && c < 0x800) || (length == 4 && c < 0x10000);
    if (too_long || (c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF) return {};
    return {c, length};
}

}  // namespace

std::u32string decode(std::string_view utf8) {
    std::u32string out;
    bool broken = false;
    while (!utf8.empty()) {
        const Decoded d = front(utf8);
        if (d.length > 0)
            out += d.c;
        else if (!broken)
            out += U'\uFFFD';
        broken = d.length == 0;
        utf8.remove_prefix(d.length > 0 ? d.length : 1);
    }
    return out;
}

void append_utf8(std::string& out, char32_t c) {
    const auto byte = [&](char32_t b) { out += static_cast<char>(static_cast<unsigned char>(b)); };
    if (c < 0x80) return byte(c);
    if (c < 0x800) return byte(0xC0 | c >> 6), byte(0x80 | (c & 0x3F));
    if (c < 0x10000) return byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F));
    byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 0x3F)), byte(0x80 | (c >> 6 & 0x3F)),
        byte(0x80 | (c & 0x3F));
}

std::string encode(std::u32string_view text) {
    std::string out;
    for (const char32_t c : text) append_utf8(out, c);
    return out;
}

}  // namespace autotune::cel
