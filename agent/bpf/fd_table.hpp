// FdTable: what the descriptors of one process are called. Bounded; a name that was pushed out is asked for
// again.
#pragma once

#include <linux/types.h>

#include <cstddef>
#include <map>
#include <optional>
#include <span>

#include "core/ids.hpp"

namespace autotune {

class FdTable {
public:
    void opened(int fd, StringId path) {
        if (names_.size() >= kCapacity && !names_.contains(fd)) names_.clear();
        names_[fd] = path;
    }
    // dup(2) and friends: `to` is now what `from` is; not known when that is not.
    void duplicated(int from, int to) {
        if (const auto known = find(from))
            opened(to, *known);
        else
            names_.erase(to);
    }
    // Nothing when last is before first: programs may ask for such a range.
    void closed(int first, int last) {
        if (first <= last) names_.erase(names_.lower_bound(first), names_.upper_bound(last));
    }
    // `bits`: one a descriptor, from 0 on; what is not set or beyond is closed.
    void keep_only(std::span<const __u64> bits) {
        std::erase_if(names_, [&](const auto& entry) {
            const auto fd = static_cast<std::size_t>(entry.first);
            return entry.first < 0 || fd / 64 >= bits.size() || (bits[fd / 64] >> (fd % 64) & 1) == 0;
        });
    }
    void clear() { names_.clear(); }

    [[nodiscard]] std::optional<StringId> find(int fd) const {
        const auto it = names_.find(fd);
        return it == names_.end() ? std::nullopt : std::optional(it->second);
    }

private:
    static constexpr std::size_t kCapacity = 4096;
    std::map<int, StringId> names_;
};

}  // namespace autotune
