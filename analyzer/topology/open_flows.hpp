// OpenFlows: the flows to each service that have not ended, so that it can be asked which of them contain
// another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/flow.hpp"

namespace autotune::analysis {

// Time only goes forward: what ended before `now` is forgotten. Memory: what is open at one time. One owner.
class OpenFlows {
public:
    // REQUIRES: flow.start <= now of every later call.
    void add(const Flow& flow, std::uint32_t host);

    // Services of a host that have open flows, or had.
    [[nodiscard]] const std::vector<std::uint32_t>& services_of(std::uint32_t host) const;

    // How many flows to the service are open from `now` to `end` at least.
    [[nodiscard]] std::size_t containing(std::uint32_t service, std::int64_t now, std::int64_t end);

    // Now, or since the last time that anybody asked for their service.
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    struct Ends {
        std::vector<std::int64_t> ordered;  // of open flows, from `first` on
        std::size_t first = 0;
        bool known = false;  // in hosts_
    };
    void forget(Ends& ends, std::int64_t now);

    std::vector<Ends> by_service_;
    std::vector<std::vector<std::uint32_t>> hosts_;
    std::size_t size_ = 0;
};

}  // namespace autotune::analysis
