#include "agent/symbols/heard_mappings.hpp"

#include <algorithm>
#include <utility>

namespace autotune::symbols {

namespace {
constexpr std::size_t kMostOfOne = 512;
}

HeardMappings::Heard& HeardMappings::heard_of(std::int32_t pid) {
    const auto [found, is_new] = processes_.try_emplace(pid);
    if (!is_new) return found->second;
    order_.push_back(pid);
    if (order_.size() > most_) {
        processes_.erase(order_.front());
        order_.pop_front();
    }
    return found->second;
}

void HeardMappings::put(std::int32_t pid, Timestamp at, std::vector<Mapping> mappings) {
    if (mappings.size() > kMostOfOne) mappings.resize(kMostOfOne);
    heard_of(pid) = {.since = at, .mappings = std::move(mappings)};
}

void HeardMappings::add(const NewMapping& heard) {
    if (heard.what == NewMapping::What::forked) {
        const auto parent = processes_.find(heard.parent);
        put(heard.pid, heard.at, parent != processes_.end() ? parent->second.mappings : std::vector<Mapping>());
        return;
    }
    if (heard.what == NewMapping::What::program) return put(heard.pid, heard.at, {});
    Heard& known = heard_of(heard.pid);
    if (known.since == Timestamp{}) known.since = heard.at;
    const Mapping& m = heard.mapping;
    std::vector<Mapping>& all = known.mappings;
    std::erase_if(all, [&](const Mapping& o) { return o.start < m.end && m.start < o.end; });
    if (!m.has_file() || all.size() == kMostOfOne) return;
    all.insert(std::ranges::upper_bound(all, m.start, {}, &Mapping::start), m);
}

const std::vector<Mapping>* HeardMappings::of(std::int32_t pid, Timestamp began) const {
    const auto found = processes_.find(pid);
    return found != processes_.end() && found->second.since >= began ? &found->second.mappings : nullptr;
}

}  // namespace autotune::symbols
