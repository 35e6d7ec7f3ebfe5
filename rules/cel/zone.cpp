#include "rules/cel/zone.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>

#include "rules/cel/instant.hpp"

namespace autotune::cel {

namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

// "+11:00", "-02:30", "02:00"; the sign is of the whole.
std::optional<std::int64_t> numeric(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    if (text.size() != 5 || text[2] != ':' || !digit(text[0]) || !digit(text[1]) || !digit(text[3]) ||
        !digit(text[4]))
        return std::nullopt;
    const std::int64_t hours = (text[0] - '0') * 10 + (text[1] - '0');
    const std::int64_t minutes = (text[3] - '0') * 10 + (text[4] - '0');
    if (hours > 23 || minutes > 59) return std::nullopt;
    return (negative ? -1 : 1) * (hours * 3600 + minutes * 60);
}

// A name below the database's folder, and nothing that could leave it.
bool plausible(const std::string& name) {
    return !name.empty() && name.size() <= 64 && name.front() != '/' &&
           name.find("..") == std::string::npos && std::all_of(name.begin(), name.end(), [](char c) {
               return digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      std::string_view("/_+-").find(c) != std::string_view::npos;
           });
}

// The bytes of the zone's file; empty: there is none.
const std::string& file_of(const std::string& name) {
    static std::mutex lock;
    static std::map<std::string, std::string> files;
    static const std::string none;
    const std::scoped_lock held(lock);
    if (const auto found = files.find(name); found != files.end()) return found->second;
    if (files.size() >= kMostZones) return none;
    std::ifstream in("/usr/share/zoneinfo/" + name, std::ios::binary);
    std::ostringstream bytes;
    constexpr auto kEof = std::ifstream::traits_type::eof();
    if (in && in.peek() != kEof) bytes << in.rdbuf();
    return files.emplace(name, bytes.str()).first->second;
}

// Counts of RFC 8536's header.
struct Header {
    std::size_t utc = 0, standard = 0, leaps = 0, times = 0, types = 0, letters = 0;
    [[nodiscard]] std::size_t size(std::size_t time) const {
        return times * time + times + types * 6 + letters + leaps * (time + 4) + standard + utc;
    }
};
constexpr std::size_t kHeader = 44;

std::int64_t big_endian(std::string_view bytes) {
    std::uint64_t out = bytes.empty() || !(bytes[0] & 0x80) ? 0 : ~std::uint64_t{0};
    for (const char c : bytes) out = out << 8 | static_cast<unsigned char>(c);
    return static_cast<std::int64_t>(out);
}

std::optional<Header> header(std::string_view file, std::size_t at) {
    if (file.size() < at + kHeader || file.substr(at, 4) != "TZif") return std::nullopt;
    const auto count = [&](std::size_t i) {
        return static_cast<std::size_t>(big_endian(file.substr(at + 20 + i * 4, 4)) & 0xFFFFFF);
    };
    return Header{count(0), count(1), count(2), count(3), count(4), count(5)};
}

}  // namespace

std::optional<std::int64_t> tzif_offset(std::string_view file, std::int64_t seconds) {
    // Version 1 has 32-bit times; what follows it has 64-bit ones.
    const auto first = header(file, 0);
    if (!first || file[4] < '2') return std::nullopt;
    const std::size_t start = kHeader + first->size(4);
    const auto second = header(file, start);
    if (!second || second->types == 0) return std::nullopt;
    const std::size_t times = start + kHeader, end = times + second->size(8);
    if (file.size() < end) return std::nullopt;
    const std::size_t indices = times + second->times * 8, types = indices + second->times;
    const auto time = [&](std::size_t i) { return big_endian(file.substr(times + i * 8, 8)); };
    const auto offset_of = [&](std::size_t type) -> std::optional<std::int64_t> {
        if (type >= second->types) return std::nullopt;
        return big_endian(file.substr(types + type * 6, 4));
    };
    std::size_t low = 0, high = second->times;  // transitions at or before `seconds`
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (time(middle) <= seconds)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 && second->times > 0) return offset_of(0);
    if (low == second->times) {
        // Behind the last one the rule at the end of the file goes on.
        const std::string_view footer = file.substr(end);
        if (footer.size() > 2 && footer.front() == '\n' && footer.back() == '\n')
            if (const auto by_rule = posix_offset(footer.substr(1, footer.size() - 2), seconds))
                return by_rule;
    }
    return offset_of(low == 0 ? 0 : static_cast<unsigned char>(file[indices + low - 1]));
}

std::optional<std::int64_t> zone_offset(const std::string& zone, std::int64_t seconds) {
    if (zone == "UTC" || zone == "Z") return 0;
    if (const auto given = numeric(zone)) return given;
    if (!plausible(zone)) return std::nullopt;
    return tzif_offset(file_of(zone), seconds);
}

}  // namespace autotune::cel
