#include "agent/symbols/perf_map.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace autotune::symbols {

namespace {
constexpr std::size_t kLeastRoom = 16;  // a part of so many: where settling makes no more room than that, the map is full
constexpr std::size_t kMaxOverlap = 16;  // entries looked back at for one that reaches over its successors

bool take_hex(std::string_view& line, std::uint64_t& value) {
    if (line.starts_with("0x")) line.remove_prefix(2);
    const auto [end, failed] = std::from_chars(line.data(), line.data() + line.size(), value, 16);
    if (failed != std::errc() || end == line.data() + line.size() || *end != ' ') return false;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()) + 1);
    return true;
}
}  // namespace

std::size_t PerfMap::add(std::string_view text, std::uint32_t at) {
    std::size_t taken = 0;
    for (;;) {
        const auto end = text.find('\n', taken);
        if (end == std::string_view::npos) return taken;
        std::string_view line = text.substr(taken, end - taken);
        taken = end + 1;
        std::uint64_t start = 0, size = 0;
        if (!take_hex(line, start) || !take_hex(line, size) || line.empty() || size == 0) continue;
        constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
        const Entry entry{start, static_cast<std::uint32_t>(std::min(size, kMost)), at + static_cast<std::uint32_t>(end - line.size())};
        if (!full_ && entries_.size() + fresh_.size() >= max_entries_) {
            settle();
            full_ = entries_.size() + max_entries_ / kLeastRoom >= max_entries_;
        }
        if (!full_)
            fresh_.push_back(entry);
        else if (!replace(entry))
            ++dropped_;
    }
}

// Of the same start. Settled.
bool PerfMap::replace(const Entry& with) {
    const auto found = std::ranges::lower_bound(entries_, with.start, {}, &Entry::start);
    if (found == entries_.end() || found->start != with.start) return false;
    *found = with;
    return true;
}

// Of several with one start the last written stays.
void PerfMap::settle() {
    if (fresh_.empty()) return;
    const auto old = static_cast<std::ptrdiff_t>(entries_.size());
    std::ranges::stable_sort(fresh_, {}, &Entry::start);
    // By a quarter at a time, and never beyond the bound: doubling would take twice what it says.
    if (const std::size_t needed = entries_.size() + fresh_.size(); needed > entries_.capacity())
        entries_.reserve(std::max(needed, std::min(needed + needed / 4, max_entries_)));
    entries_.insert(entries_.end(), fresh_.begin(), fresh_.end());
    fresh_ = std::vector<Entry>();  // its memory too
    std::ranges::inplace_merge(entries_, entries_.begin() + old, {}, &Entry::start);
    auto kept = entries_.begin();
    for (auto e = entries_.begin(); e != entries_.end(); ++e) {
        if (kept != entries_.begin() && std::prev(kept)->start == e->start) --kept;
        *kept++ = *e;
    }
    entries_.erase(kept, entries_.end());
}

std::size_t PerfMap::size() {
    settle();
    return entries_.size();
}

std::optional<std::uint32_t> PerfMap::find(std::uint64_t address) {
    settle();
    auto after = std::ranges::upper_bound(entries_, address, {}, &Entry::start);
    for (std::size_t i = 0; i < kMaxOverlap && after != entries_.begin(); ++i) {
        --after;
        if (address - after->start < after->size) return after->name;
    }
    return std::nullopt;
}

}  // namespace autotune::symbols
