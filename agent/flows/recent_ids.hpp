// RecentIds: whether an id was there before, among the last so many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace autotune {

// Two tables of hashes; when the newer is full, the older is given up. Eight bytes twice for each id that is
// kept.
class RecentIds {
public:
    // At least that many are remembered, and twice as many at most. REQUIRES: a power of two.
    explicit RecentIds(std::size_t kept) : kept_(kept) {}

    // Adds it; false: it was there.
    bool add(std::uint64_t hash) {
        if (newer_.empty()) newer_.assign(2 * kept_, 0), older_.assign(2 * kept_, 0);
        if (hash == 0) hash = 1;  // an empty place
        if (older_[place(older_, hash)] == hash) return false;
        std::uint64_t& at = newer_[place(newer_, hash)];
        if (at == hash) return false;
        at = hash;
        if (++count_ < kept_) return true;
        std::swap(newer_, older_);
        newer_.assign(newer_.size(), 0);
        count_ = 0;
        return true;
    }

private:
    [[nodiscard]] static std::size_t place(const std::vector<std::uint64_t>& table, std::uint64_t hash) {
        std::size_t at = hash & (table.size() - 1);
        while (table[at] != 0 && table[at] != hash) at = (at + 1) & (table.size() - 1);
        return at;
    }
    std::size_t kept_, count_ = 0;
    std::vector<std::uint64_t> newer_, older_;
};

}  // namespace autotune
