#include "exporters/metrics/label.hpp"

namespace autotune::exporters {
namespace {

constexpr std::size_t kLimit = 128;
constexpr std::string_view kCut = "…";

// Length of the UTF-8 character (RFC 3629) at the front; 0 when there is none.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xF0 && first < 0xF5   ? 4
                               : first >= 0xE0 && first < 0xF0 ? 3
                               : first >= 0xC2 && first < 0xE0 ? 2
                                                               : 0;
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80) return 0;
    // Overlong forms, surrogates, beyond U+10FFFF.
    const unsigned char second = byte(1);
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
        (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F))
        return 0;
    return length;
}

}  // namespace

std::string label_value(std::string_view name) {
    std::string value;
    std::size_t fits = 0;  // longest prefix that leaves room for the cut mark
    while (!name.empty()) {
        const std::size_t length = utf8_length(name);
        if (value.size() + (length == 0 ? 1 : length) > kLimit) {
            value.resize(fits);
            return value.append(kCut);
        }
        if (length == 0) {
            value += '?';
            name.remove_prefix(1);
        } else {
            value.append(name.substr(0, length));
            name.remove_prefix(length);
        }
        if (value.size() + kCut.size() <= kLimit) fits = value.size();
    }
    return value;
}

}  // namespace autotune::exporters
