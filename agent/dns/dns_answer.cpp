#include "agent/dns/dns_answer.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

namespace autotune {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kLongestName = 255;  // bytes on the wire
constexpr std::uint16_t kAnswerMask = 0xf80f, kAnswer = 0x8000;  // a response, opcode and error 0
constexpr std::uint16_t kInternet = 1, kTypeA = 1, kTypeCname = 5, kTypeAaaa = 28;

using Bytes = std::span<const std::byte>;

std::optional<std::uint16_t> u16_at(Bytes m, std::size_t at) {
    if (at + 2 > m.size()) return std::nullopt;
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(m[at]) << 8 | std::to_integer<unsigned>(m[at + 1]));
}

void append_label(std::string& name, Bytes label) {
    if (!name.empty()) name += '.';
    for (const std::byte b : label) {
        const auto c = std::to_integer<unsigned char>(b);
        if (c >= 'A' && c <= 'Z') {
            name += static_cast<char>(c - 'A' + 'a');
        } else if (c > ' ' && c < 0x7f && c != '.' && c != '\\') {
            name += static_cast<char>(c);
        } else {
            name += '\\';
            for (const unsigned digit : {c / 100u, c / 10u % 10u, c % 10u}) name += static_cast<char>('0' + digit);
        }
    }
}

// Reads the name at `at` and moves it behind. Pointers may only go back, each further than the one before, so
// that it ends.
std::optional<std::string> take_name(Bytes m, std::size_t& at) {
    std::string name;
    std::size_t here = at, lowest = at, wire = 0;
    bool jumped = false;
    for (;;) {
        if (here >= m.size()) return std::nullopt;
        const auto size = std::to_integer<std::size_t>(m[here]);
        if ((size & 0xc0) == 0xc0) {
            const auto pointer = u16_at(m, here);
            if (!pointer || (*pointer & 0x3fffu) >= lowest) return std::nullopt;
            if (!jumped) at = here + 2;
            jumped = true;
            here = lowest = *pointer & 0x3fffu;
            continue;
        }
        wire += size + 1;
        if (size > 63 || wire > kLongestName || here + 1 + size > m.size()) return std::nullopt;
        if (size == 0) break;
        append_label(name, m.subspan(here + 1, size));
        here += 1 + size;
    }
    if (!jumped) at = here + 1;
    return name;
}

struct Alias {
    std::string name, target;
};

struct Records {
    std::vector<Alias> aliases;
    std::vector<NamedAddress> addresses;
};

// Reads one record and moves behind it; false when it is not whole.
bool take_record(Bytes m, std::size_t& at, Records& to) {
    auto owner = take_name(m, at);
    const auto type = u16_at(m, at), kind = u16_at(m, at + 2), size = u16_at(m, at + 8);
    if (!owner || !type || !kind || !size) return false;
    std::size_t data = at + 10;
    at = data + *size;
    if (at > m.size()) return false;
    if (*kind != kInternet) return true;
    if (*type == kTypeCname) {
        auto target = take_name(m, data);
        if (target) to.aliases.push_back({*std::move(owner), *std::move(target)});
        return target.has_value();
    }
    const bool is_v4 = *type == kTypeA && *size == 4;
    if (!is_v4 && !(*type == kTypeAaaa && *size == 16)) return true;
    Endpoint address;
    address.family = is_v4 ? AddressFamily::ipv4 : AddressFamily::ipv6;
    std::transform(m.begin() + static_cast<std::ptrdiff_t>(data), m.begin() + static_cast<std::ptrdiff_t>(at),
                   address.address.begin(), [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
    to.addresses.push_back({*std::move(owner), address});
    return true;
}

// The name itself and all that it is an alias of, whatever order the records came in.
std::vector<std::string_view> chain_of(std::string_view name, const std::vector<Alias>& aliases) {
    std::vector<std::string_view> chain{name};
    for (std::size_t i = 0; i < chain.size(); ++i)
        for (const Alias& alias : aliases)
            if (alias.name == chain[i] && std::ranges::find(chain, alias.target) == chain.end())
                chain.push_back(alias.target);
    return chain;
}

}  // namespace

std::vector<NamedAddress> parse_dns_answer(Bytes message) {
    const auto flags = u16_at(message, 2), questions = u16_at(message, 4), answers = u16_at(message, 6);
    if (message.size() < kHeader || (*flags & kAnswerMask) != kAnswer || *questions != 1) return {};
    std::size_t at = kHeader;
    const auto asked = take_name(message, at);
    if (!asked || asked->empty()) return {};
    at += 4;  // its type and class
    Records records;
    for (unsigned i = 0; i < *answers && take_record(message, at, records); ++i) continue;
    const auto chain = chain_of(*asked, records.aliases);
    std::vector<NamedAddress> found;
    for (const NamedAddress& record : records.addresses)
        if (std::ranges::find(chain, record.name) != chain.end()) found.push_back({*asked, record.address});
    return found;
}

Bytes without_length(Bytes stream) {
    const auto length = u16_at(stream, 0);
    return length && *length + 2u == stream.size() ? stream.subspan(2) : stream;
}

}  // namespace autotune
