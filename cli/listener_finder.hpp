// ListenerFinder: who is behind addresses of this machine that nobody who is watched owns. Asks /proc, some milliseconds an
// address, once each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>

#include "analyzer/owner/owner_topology.hpp"
#include "core/endpoint.hpp"
#include "os/procfs.hpp"

namespace autotune::cli {

class ListenerFinder {
public:
    // Tells the topology, if somebody listens there in the caller's network.
    void find(OwnerTopology& topology, const Endpoint& peer, std::int32_t caller);
    // What the topology wants to know now; of them `most` at once.
    void find_strangers(OwnerTopology& topology, std::size_t most);
    [[nodiscard]] bool gave_up() const { return gave_up_; }  // there were more addresses than kMost
    static constexpr std::size_t kMost = 256;

private:
    Procfs proc_;
    std::set<Endpoint> asked_;
    bool gave_up_ = false;
};

}  // namespace autotune::cli
