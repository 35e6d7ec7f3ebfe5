#include "core/flow.hpp"

namespace autotune {

std::uint32_t FlowNames::intern(Texts& texts, std::string_view text) {
    if (const auto known = texts.ids.find(text); known != texts.ids.end()) return known->second;
    if (texts.all.size() >= capacity_) return kNone;
    const auto id = static_cast<std::uint32_t>(texts.all.size());
    texts.ids.emplace(texts.all.emplace_back(text), id);
    return id;
}

std::uint32_t FlowNames::service(std::uint32_t host, std::string_view label_text) {
    const std::uint32_t label = intern(labels_, label_text);
    if (host == kNone || label == kNone) return kNone;
    const std::uint64_t key = std::uint64_t{host} << 32 | label;
    if (const auto known = ids_.find(key); known != ids_.end()) return known->second;
    if (services_.size() >= capacity_) return kNone;
    const auto id = static_cast<std::uint32_t>(services_.size());
    services_.push_back({host, label});
    ids_.emplace(key, id);
    return id;
}

std::string FlowNames::name(std::uint32_t service) const {
    const Service& s = services_[service];
    const std::string& label = labels_.all[s.label];
    return label.empty() ? hosts_.all[s.host] : hosts_.all[s.host] + ":" + label;
}

}  // namespace autotune
