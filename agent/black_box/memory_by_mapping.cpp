#include "agent/black_box/memory_by_mapping.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <string>

namespace autotune::black_box {
namespace {

std::string_view next_line(std::string_view& text) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

// "Rss:     4 kB", in bytes.
bool number_of(std::string_view line, std::string_view name, std::uint64_t& bytes) {
    if (!line.starts_with(name)) return false;
    line.remove_prefix(name.size());
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    std::uint64_t kilobytes = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), kilobytes).ec != std::errc()) return true;
    bytes += kilobytes * 1024;
    return true;
}

// "55d0c0-55d0c4 rw-p 00000000 fe:00 1234    /path", with a name for what has none.
bool is_mapping(std::string_view line, std::string& name) {
    const auto dash = line.find('-');
    const auto blank = line.find(' ');
    if (dash == std::string_view::npos || blank == std::string_view::npos || dash > blank) return false;
    if (line.find_first_not_of("0123456789abcdef-") != blank) return false;
    for (int field = 0; field < 5; ++field) {
        line.remove_prefix(std::min(line.find(' '), line.size()));
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    }
    name = line.empty() ? "[anonymous]" : line.starts_with("[anon") || line.starts_with("[stack:") ? "[anonymous]" : line;
    return true;
}

}  // namespace

std::vector<BoxMapping> memory_by_mapping(std::string_view smaps, std::size_t most) {
    std::map<std::string, BoxMapping, std::less<>> by_name;
    BoxMapping* current = nullptr;
    std::string name;
    while (!smaps.empty()) {
        const std::string_view line = next_line(smaps);
        if (is_mapping(line, name)) {
            current = &by_name[name];
            current->what = name;
            ++current->count;
        } else if (current != nullptr) {
            (void)(number_of(line, "Size:", current->size) || number_of(line, "Rss:", current->resident) ||
                   number_of(line, "Anonymous:", current->anonymous) || number_of(line, "Swap:", current->swapped));
        }
    }
    std::vector<BoxMapping> all;
    for (auto& [key, mapping] : by_name) all.push_back(std::move(mapping));
    std::ranges::stable_sort(all, std::greater(), &BoxMapping::resident);
    if (all.size() <= most) return all;
    BoxMapping rest{.what = "(" + std::to_string(all.size() - most) + " others)"};
    for (std::size_t i = most; i < all.size(); ++i) {
        rest.count += all[i].count;
        rest.size += all[i].size;
        rest.resident += all[i].resident;
        rest.anonymous += all[i].anonymous;
        rest.swapped += all[i].swapped;
    }
    all.resize(most);
    all.push_back(std::move(rest));
    return all;
}

}  // namespace autotune::black_box
