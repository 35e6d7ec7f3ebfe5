// RecentlyUsed: a map of bounded size; past it what was not used for longest goes. One thread.
#pragma once

#include <cstddef>
#include <list>
#include <unordered_map>
#include <utility>

namespace autotune::symbols {

template <class Key, class Value>
class RecentlyUsed {
public:
    // REQUIRES: at least one.
    explicit RecentlyUsed(std::size_t most) : most_(most) {}

    // Null when it is not there. Valid until something is put. It is used now.
    Value* find(const Key& key) {
        const auto found = places_.find(key);
        if (found == places_.end()) return nullptr;
        entries_.splice(entries_.begin(), entries_, found->second);
        return &found->second->second;
    }

    // Instead of what was there.
    void put(const Key& key, Value value) {
        if (Value* known = find(key)) {
            *known = std::move(value);
            return;
        }
        if (entries_.size() == most_) {
            places_.erase(entries_.back().first);
            entries_.pop_back();
        }
        entries_.emplace_front(key, std::move(value));
        places_.emplace(key, entries_.begin());
    }

    [[nodiscard]] std::size_t size() const { return entries_.size(); }

private:
    std::size_t most_;
    std::list<std::pair<Key, Value>> entries_;  // most recent first
    std::unordered_map<Key, typename std::list<std::pair<Key, Value>>::iterator> places_;
};

}  // namespace autotune::symbols
