// RecentlyUsed: a map of bounded size; past it what was not used for longest goes. One thread.
//
// An entry that is used is moved to the front only when a sixteenth of the size has been put since it was last: a move touches more
// memory than a look-up. So it may go as many puts too early.
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
        Entry& entry = *found->second;
        if (puts_ - entry.moved_at > most_ / 16) {
            entries_.splice(entries_.begin(), entries_, found->second);
            entry.moved_at = puts_;
        }
        return &entry.value;
    }

    // Instead of what was there.
    void put(const Key& key, Value value) {
        if (Value* known = find(key)) {
            *known = std::move(value);
            return;
        }
        if (entries_.size() == most_) {
            places_.erase(entries_.back().key);
            entries_.pop_back();
        }
        entries_.push_front({key, std::move(value), ++puts_});
        places_.emplace(key, entries_.begin());
    }

    [[nodiscard]] std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        Key key;
        Value value;
        std::size_t moved_at;  // to the front; puts_ then
    };
    std::size_t most_;
    std::size_t puts_ = 0;  // new keys only
    std::list<Entry> entries_;  // by moved_at, the latest first
    std::unordered_map<Key, typename std::list<Entry>::iterator> places_;
};

}  // namespace autotune::symbols
