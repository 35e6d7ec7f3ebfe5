#include "agent/symbols/process_maps.hpp"

#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace autotune::symbols {

namespace {

constexpr std::string_view kDeleted = " (deleted)";

// Takes a number and the one separator behind it off the front of `text`.
std::optional<std::uint64_t> take_number(std::string_view& text, int base, char separator) {
    std::uint64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (failed != std::errc() || end == text.data() + text.size() || *end != separator) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
    return value;
}

// start-end perms offset major:minor inode     path, see proc_pid_maps(5).
std::optional<Mapping> parse_line(std::string_view line) {
    Mapping m;
    const auto start = take_number(line, 16, '-');
    const auto end = start ? take_number(line, 16, ' ') : std::nullopt;
    if (!end || *end <= *start || line.size() < 5) return std::nullopt;
    const bool executable = line[2] == 'x';
    if (!executable || line[4] != ' ') return std::nullopt;
    line.remove_prefix(5);
    const auto offset = take_number(line, 16, ' ');
    const auto major_number = offset ? take_number(line, 16, ':') : std::nullopt;
    const auto minor_number = major_number ? take_number(line, 16, ' ') : std::nullopt;
    if (!minor_number) return std::nullopt;
    const auto digits = std::min(line.find(' '), line.size());
    std::uint64_t inode = 0;
    if (std::from_chars(line.data(), line.data() + digits, inode).ec != std::errc()) return std::nullopt;
    line.remove_prefix(digits);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.ends_with(kDeleted)) line.remove_suffix(kDeleted.size());
    return Mapping{
        .start = *start,
        .end = *end,
        .offset = *offset,
        .device = makedev(static_cast<unsigned>(*major_number), static_cast<unsigned>(*minor_number)),
        .inode = inode,
        .path = std::string(line)};
}

}  // namespace

ProcessMaps ProcessMaps::parse(std::string_view text) {
    ProcessMaps maps;
    while (!text.empty()) {
        const auto length = std::min(text.find('\n'), text.size());
        if (auto mapping = parse_line(text.substr(0, length))) maps.mappings_.push_back(std::move(*mapping));
        text.remove_prefix(std::min(length + 1, text.size()));
    }
    return of(std::move(maps.mappings_));
}

ProcessMaps ProcessMaps::of(std::vector<Mapping> mappings) {
    ProcessMaps maps;
    maps.mappings_ = std::move(mappings);
    std::ranges::sort(maps.mappings_, {}, &Mapping::start);
    return maps;
}

const Mapping* ProcessMaps::find(std::uint64_t address) const {
    const auto after = std::ranges::upper_bound(mappings_, address, {}, &Mapping::start);
    if (after == mappings_.begin()) return nullptr;
    const Mapping& candidate = *std::prev(after);
    return candidate.contains(address) ? &candidate : nullptr;
}

}  // namespace autotune::symbols
