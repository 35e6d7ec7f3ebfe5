// MappedFiles: which files one process has mapped where, as far as it was seen. Bounded; unmapping is not
// followed: an address is named by what was mapped there last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>

#include "core/ids.hpp"

namespace autotune {

class MappedFiles {
public:
    void mapped(std::uint64_t address, std::uint64_t bytes, StringId path) {
        const std::uint64_t end = bytes < UINT64_MAX - address ? address + bytes : UINT64_MAX;
        ranges_.erase(ranges_.lower_bound(address), ranges_.lower_bound(end));
        if (ranges_.size() >= kCapacity) ranges_.clear();
        ranges_[address] = {end, path};
    }
    void clear() { ranges_.clear(); }

    // Empty when not known.
    [[nodiscard]] StringId find(std::uint64_t address) const {
        const auto after = ranges_.upper_bound(address);
        if (after == ranges_.begin()) return {};
        const Range& range = std::prev(after)->second;
        return address < range.end ? range.path : StringId{};
    }

private:
    struct Range {
        std::uint64_t end = 0;
        StringId path{};
    };
    static constexpr std::size_t kCapacity = 4096;
    std::map<std::uint64_t, Range> ranges_;  // by first address
};

}  // namespace autotune
