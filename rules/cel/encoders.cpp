// The encoders extension: base64.encode, base64.decode (RFC 4648, section 4; the padding may be missing).
#include "rules/cel/standard.hpp"

namespace autotune::cel {

namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

Value encode_base64(Arguments a) {
    const std::string& data = arg<Bytes>(a, 0).data;
    if (data.size() > kLongestText / 4 * 3) return too_large();
    std::string out;
    for (std::size_t i = 0; i < data.size(); i += 3) {
        const std::size_t given = std::min<std::size_t>(3, data.size() - i);
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k < 3; ++k)
            bits = bits << 8 | (k < given ? static_cast<unsigned char>(data[i + k]) : 0u);
        for (std::size_t k = 0; k < 4; ++k) out += k <= given ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
    }
    return out;
}

Value decode_base64(Arguments a) {
    std::string_view text = arg<std::string>(a, 0);
    const bool padded = text.size() % 4 == 0;
    for (int most = 2; padded && most > 0 && text.ends_with('='); --most) text.remove_suffix(1);
    std::string out;
    std::uint32_t bits = 0, known = 0;
    for (const char c : text) {
        const auto digit = kDigits.find(c);
        if (digit == std::string_view::npos) return Value::failure("not base64: '" + std::string(1, c) + "'");
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        known += 6;
        if (known < 8) continue;
        known -= 8;
        out += static_cast<char>(bits >> known & 0xFF);
    }
    if (text.size() % 4 == 1) return Value::failure("not base64: one digit alone at the end");
    return Bytes{std::move(out)};
}

}  // namespace

void add_encoders(std::vector<Overload>& table) {
    table.push_back({"base64.encode", Style::global, {Kind::bytes}, Kind::text, encode_base64});
    table.push_back({"base64.decode", Style::global, {Kind::text}, Kind::bytes, decode_base64});
}

}  // namespace autotune::cel
