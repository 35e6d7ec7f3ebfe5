// ServiceMap: who owns which end of which connection, and how much went over it.
//
// A connection is seen from both sides: the client's (local, peer) is the server's (peer, local). Where
// only the client's side was traced, the address it called is looked up among those that somebody
// accepted connections on. An address that two owners accepted on (loopback in two network namespaces,
// say) is ambiguous and names nobody. A peer that is still unknown is external, and called by the name that
// its address had for a name server.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "analyzer/host_names.hpp"
#include "analyzer/io_account.hpp"
#include "core/service_graph.hpp"

namespace autotune::analysis {

struct NamedEdge {
    ServiceNode from, to;
    ServiceEdge totals;  // its indexes are not used
};

class ServiceMap {
public:
    explicit ServiceMap(Nanos history) : history_(history) {}

    void socket(const SocketEnds& ends, const ServiceNode& owner);

    // Who owns the other end; nullptr when that was not seen or is ambiguous.
    [[nodiscard]] const ServiceNode* owner_of_peer(const Endpoint& local, const Endpoint& peer) const;

    void resolved(const Endpoint& address, std::string_view name) { host_names_.learn(address, name); }
    // Empty when not known.
    [[nodiscard]] std::string_view host_name(const Endpoint& address) const { return host_names_.find(address); }

    // What `from` exchanged with a peer, up to `at`. `path`: of a Unix socket, else "".
    void traffic(Timestamp at, const ServiceNode& from, const PeerTotals& peer, std::string_view path);

    // Minutes that touch [from, to]. A pair may come several times.
    [[nodiscard]] std::vector<NamedEdge> edges(Timestamp from, Timestamp to) const;

private:
    struct Ends {
        Endpoint local, peer;
        bool operator==(const Ends&) const = default;
    };
    struct EndsHash {
        std::size_t operator()(const Ends& e) const noexcept {
            return std::hash<Endpoint>()(e.local) * 0x9E3779B97F4A7C15ULL + std::hash<Endpoint>()(e.peer);
        }
    };
    struct Flow {
        std::int64_t minute = 0;
        ServiceNode from;
        Endpoint local, peer;  // local: only where that names the owner of the other end
        std::string path;
        auto operator<=>(const Flow&) const = default;
    };

    [[nodiscard]] ServiceNode other_end(const Flow& flow) const;

    std::unordered_map<Ends, ServiceNode, EndsHash> owners_;
    std::unordered_map<Endpoint, ServiceNode> services_;  // accepted on; an empty name: ambiguous
    std::map<Flow, ServiceEdge> flows_;                   // by minute first: the oldest is at the front
    HostNames host_names_;
    Nanos history_;
};

// Sorts, and adds up what has both ends in common.
[[nodiscard]] ServiceGraph make_graph(const std::vector<NamedEdge>& edges);

}  // namespace autotune::analysis
