// UnwindTable: a file's rows as the kernel side looks them up: four bytes a row, recipes shared by all files.
//
// The file's address space is cut into pages of 64 KiB. A page's rows lie together, by the low 16 bits of
// their address; the first says what holds at the page's beginning. A look-up is one step to the page and a
// binary search among its rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "agent/unwind/call_frames.hpp"
#include "agent/unwind/recipe.hpp"

namespace autotune::unwind {

inline constexpr unsigned kPageBits = 16;
inline constexpr std::size_t kMostRecipes = 16'384;  // a desktop's libraries need some 9,700
inline constexpr std::size_t kMostPages = 65'536;    // 4 GiB of code in one file: a lie, not a program

struct PackedRow {
    std::uint16_t low = 0;     // of the address
    std::uint16_t recipe = 0;  // index into the RecipeBook
};

// Recipes that all tables share. Index 0 is "nothing is known".
class RecipeBook {
public:
    // nullopt when it is full and this one is not in it.
    [[nodiscard]] std::optional<std::uint16_t> index_of(const Recipe& recipe);
    [[nodiscard]] std::span<const Recipe> recipes() const { return recipes_; }

private:
    struct Hash {
        std::size_t operator()(const Recipe& r) const noexcept;
    };
    std::vector<Recipe> recipes_{1};
    std::unordered_map<Recipe, std::uint16_t, Hash> indices_{{Recipe{}, 0}};
};

struct UnwindPage {
    std::uint32_t number = 0;  // address >> kPageBits
    std::uint32_t first = 0;   // row
    std::uint32_t count = 0;
};

struct UnwindTable {
    std::vector<UnwindPage> pages;  // by number; those without code are not there
    std::vector<PackedRow> rows;
    std::uint64_t dropped = 0;  // rows whose recipe or page found no room: nothing is known there

    [[nodiscard]] std::size_t bytes() const {
        return pages.size() * sizeof(UnwindPage) + rows.size() * sizeof(PackedRow);
    }
    // The index of the recipe at an address; what the kernel side does, for tests and tools.
    [[nodiscard]] std::uint16_t find(std::uint64_t address) const;
};

// REQUIRES: rows by address, as read_call_frames gives them. Addresses from 2^48 on are left out.
[[nodiscard]] UnwindTable pack(std::span<const FrameRow> rows, RecipeBook& book);

}  // namespace autotune::unwind
