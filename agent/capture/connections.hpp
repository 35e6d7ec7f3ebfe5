// Connections: segments in, flows out: who opened each connection to which service, from its first packet to its last.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <set>
#include <unordered_map>
#include <vector>

#include "agent/capture/segment.hpp"
#include "core/flow.hpp"

namespace autotune {

struct ConnectionCounters {
    std::uint64_t flows = 0;
    std::uint64_t by_port = 0;    // of them: their beginning was not captured, and the lower port was taken for the service's
    std::uint64_t forgotten = 0;  // of them: ended here since too many were open
    std::uint64_t clock_back = 0;  // times that the clock went back by more than half a minute: what was open ended there
    std::uint64_t nameless = 0;   // no flows: more names than FlowNames holds
};

// TCP ends by RST or by FIN from both sides, else after five minutes of silence; UDP, which has no end, after 30 s (as
// conntrack has it). Who sent SYN is the client; of UDP who sent first. Flows come when they end, those that
// ended by silence so much later. Times in nanoseconds of the capture's clock; they may run backwards. One owner.
class Connections {
public:
    static constexpr std::int64_t kTcpIdle = 300'000'000'000, kUdpIdle = 30'000'000'000;

    // `most_open`: beyond, who was silent for longest of its protocol is ended. REQUIRES: `names` outlives it.
    explicit Connections(FlowNames& names, std::size_t most_open = 1'000'000) : names_(names), most_open_(most_open) {}

    // REQUIRES: times that are less than 2^63 apart.
    void add(const Segment& segment, std::int64_t time_ns, std::vector<Flow>& out);
    // What is open ends with its last packet.
    void finish(std::vector<Flow>& out);

    [[nodiscard]] const ConnectionCounters& counters() const { return counters_; }

private:
    struct Key {
        Endpoint low, high;
        bool tcp = false;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const;
    };
    enum State : std::uint8_t { tcp_open, udp_open, closed, kStates };
    struct Connection {
        std::int64_t start = 0, last = 0;
        bool client_is_low = false, by_port = false;
        bool fin_low = false, fin_high = false;
        State state = tcp_open;
        std::list<Key>::iterator place;  // in silent_[state]
    };

    void open(Connection& connection, const Key& key, const Segment& segment);
    [[nodiscard]] bool client_is_source(const Segment& segment, bool& by_port) const;
    void move_to(Connection& connection, const Key& key, State state);
    void end(const Key& key, const Connection& connection, std::vector<Flow>& out);
    void end_silent(std::vector<Flow>& out);
    void erase_oldest(State state, std::vector<Flow>& out);

    FlowNames& names_;
    std::size_t most_open_;
    std::unordered_map<Key, Connection, KeyHash> known_;
    std::array<std::list<Key>, kStates> silent_;  // who was silent for longest first
    std::set<Endpoint> services_;                 // of TCP; most_open_ at most
    std::int64_t clock_ = INT64_MIN;
    ConnectionCounters counters_;
};

}  // namespace autotune
