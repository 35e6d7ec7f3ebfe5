// HostNames: what the addresses of hosts were last called by name servers. Bounded.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "core/endpoint.hpp"

namespace autotune::analysis {

class HostNames {
public:
    // Ports are left out.
    void learn(Endpoint address, std::string_view name) {
        address.port = 0;
        if (names_.size() >= kMost && !names_.contains(address)) names_.clear();
        names_[address] = name;
    }
    // Empty when not known.
    [[nodiscard]] std::string_view find(Endpoint address) const {
        address.port = 0;
        const auto found = names_.find(address);
        return found == names_.end() ? std::string_view() : std::string_view(found->second);
    }

private:
    static constexpr std::size_t kMost = 16'384;
    std::unordered_map<Endpoint, std::string> names_;
};

}  // namespace autotune::analysis
