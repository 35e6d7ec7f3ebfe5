#include "agent/unwind/unwind_table.hpp"

#include <algorithm>

namespace autotune::unwind {

std::size_t RecipeBook::Hash::operator()(const Recipe& r) const noexcept {
    const std::uint64_t all = std::uint64_t{static_cast<std::uint32_t>(r.cfa_offset)} << 32 |
                              std::uint64_t{static_cast<std::uint16_t>(r.rbp_offset)} << 16 |
                              std::uint64_t{static_cast<std::uint8_t>(r.cfa)} << 8 |
                              static_cast<std::uint8_t>(r.rbp);
    return static_cast<std::size_t>((all * 0x9e3779b97f4a7c15ull) >> 16);
}

std::optional<std::uint16_t> RecipeBook::index_of(const Recipe& recipe) {
    if (const auto known = indices_.find(recipe); known != indices_.end()) return known->second;
    if (recipes_.size() >= kMostRecipes) return std::nullopt;
    const auto index = static_cast<std::uint16_t>(recipes_.size());
    recipes_.push_back(recipe);
    indices_.emplace(recipe, index);
    return index;
}

std::uint16_t UnwindTable::find(std::uint64_t address) const {
    const std::uint64_t number = address >> kPageBits;
    const auto page = std::lower_bound(pages.begin(), pages.end(), number,
                                       [](const UnwindPage& p, std::uint64_t n) { return p.number < n; });
    if (page == pages.end() || page->number != number) return 0;
    const auto first = rows.begin() + page->first;
    const auto after = std::upper_bound(first, first + page->count, static_cast<std::uint16_t>(address),
                                        [](std::uint16_t low, const PackedRow& r) { return low < r.low; });
    return after == first ? 0 : std::prev(after)->recipe;
}

UnwindTable pack(std::span<const FrameRow> rows, RecipeBook& book) {
    UnwindTable out;
    std::uint16_t current = 0;  // what holds since the last row
    std::uint64_t page = 0;     // being filled
    const auto open_page = [&](std::uint64_t number) {
        page = number;
        out.pages.push_back(
            {static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(out.rows.size()), 0});
    };
    const auto put = [&](std::uint64_t address, std::uint16_t recipe) {
        out.rows.push_back({static_cast<std::uint16_t>(address), recipe});
        ++out.pages.back().count;
    };
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].address >> 48 != 0) break;
        const std::uint64_t number = rows[i].address >> kPageBits;
        // A function may reach over pages in which no row begins.
        const std::uint64_t more = current != 0 ? number - page : 1;
        if (out.pages.size() + more > kMostPages) {
            out.dropped += rows.size() - i;
            break;
        }
        while (current != 0 && page < number) {
            open_page(page + 1);
            if (page < number || (rows[i].address & 0xffff) != 0) put(page << kPageBits, current);
        }
        if (out.pages.empty() || page != number) open_page(number);
        const auto recipe = book.index_of(rows[i].recipe);
        if (!recipe) ++out.dropped;
        current = recipe.value_or(0);
        put(rows[i].address, current);
    }
    return out;
}

}  // namespace autotune::unwind
