#include "agent/symbols/perf_map.hpp"

#include <algorithm>
#include <charconv>

namespace autotune::symbols {

namespace {
constexpr std::size_t kMaxEntries = 1'000'000;
constexpr std::size_t kMaxOverlap = 16;  // entries looked back at for one that reaches over its successors

bool take_hex(std::string_view& line, std::uint64_t& value) {
    if (line.starts_with("0x")) line.remove_prefix(2);
    const auto [end, failed] = std::from_chars(line.data(), line.data() + line.size(), value, 16);
    if (failed != std::errc() || end == line.data() + line.size() || *end != ' ') return false;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()) + 1);
    return true;
}
}  // namespace

PerfMap PerfMap::parse(std::string_view text) {
    PerfMap map;
    while (!text.empty() && map.entries_.size() < kMaxEntries) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos) break;  // being written
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        Entry e;
        if (!take_hex(line, e.start) || !take_hex(line, e.size) || line.empty() || e.size == 0) continue;
        e.name = line;
        map.entries_.push_back(std::move(e));
    }
    std::ranges::stable_sort(map.entries_, {}, &Entry::start);
    // Of several with one start the last written stays.
    auto kept = map.entries_.begin();
    for (auto e = map.entries_.begin(); e != map.entries_.end(); ++e) {
        if (kept != map.entries_.begin() && std::prev(kept)->start == e->start) --kept;
        if (kept != e) *kept = std::move(*e);
        ++kept;
    }
    map.entries_.erase(kept, map.entries_.end());
    return map;
}

std::string_view PerfMap::find(std::uint64_t address) const {
    auto after = std::ranges::upper_bound(entries_, address, {}, &Entry::start);
    for (std::size_t i = 0; i < kMaxOverlap && after != entries_.begin(); ++i) {
        --after;
        if (address - after->start < after->size) return after->name;
    }
    return {};
}

}  // namespace autotune::symbols
