#include "host/control/digest.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <cstdint>
#include <cstdlib>

namespace autotune::host {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_values() {
    std::array<std::int8_t, 256> values{};
    for (auto& value : values) value = -1;
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    return values;
}
constexpr auto values = make_values();

}  // namespace

std::string to_base64(std::string_view bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP writes a final NUL
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                    reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.pop_back();
    return text;
}

// Own loop: EVP_DecodeBlock neither removes the padding nor accepts line breaks.
Result<std::string> from_base64(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3);
    std::uint32_t group = 0;
    int have = 0, padding = 0;
    for (const char c : text) {
        if (c == '\r' || c == '\n') continue;
        const auto value = values[static_cast<unsigned char>(c)];
        if (c == '=') ++padding;
        if ((value < 0 && c != '=') || (value >= 0 && padding > 0))
            return fail(Errc::invalid_argument, "not base64");
        group = group << 6 | static_cast<std::uint32_t>(value < 0 ? 0 : value);
        if (++have < 4) continue;
        if (padding > 2) break;
        for (int shift = 16; shift >= 8 * padding; shift -= 8)
            bytes.push_back(static_cast<char>(group >> shift & 0xff));
        have = 0;
        group = 0;
    }
    if (have != 0 || padding > 2) return fail(Errc::invalid_argument, "base64 that ends in the middle");
    return bytes;
}

std::string sha256_base64(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
    return to_base64({reinterpret_cast<const char*>(digest.data()), size});
}

std::string file_name_of(std::string_view sha256) {
    std::string name(sha256.substr(0, sha256.find('=')));
    for (auto& c : name) {
        if (c == '/') c = '_';
        if (c == '+') c = '-';
    }
    return name;
}

std::string random_uuid() {
    std::array<unsigned char, 16> bytes{};
    // Ids that collide would mix up invocations; there is nothing sensible to do without randomness.
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) std::abort();
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
    std::string id;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) id.push_back('-');
        id.push_back("0123456789abcdef"[bytes[i] >> 4]);
        id.push_back("0123456789abcdef"[bytes[i] & 0x0f]);
    }
    return id;
}

}  // namespace autotune::host
