// ConnectionBook: what goes over each connection of each process: bytes, and where nobody speaks HTTP, turns.
//
// A turn is a send that follows a receive (or is the first) up to the last receive before the next one. The first
// turns wait until it is known whether HTTP is spoken: exchanges tell more. Bounded: past kMost connections
// all are forgotten. One owner.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/endpoint.hpp"
#include "core/event.hpp"

namespace autotune::analysis {

enum class EndRole : std::uint8_t { unknown, client, server };

struct Turn {
    Timestamp start, end;
    ThreadId thread{};
    bool failed = false;
    std::uint64_t sent = 0, received = 0;
};

struct BookedConnection {
    Endpoint local, peer;
    StringId path{};  // Unix sockets
    EndRole role = EndRole::unknown;
    bool http = false;
    std::uint64_t sent = 0, received = 0;  // that no call has taken yet
    std::vector<Turn> turns;               // that are over, oldest first
    Turn open;                             // meaningful while one_is_open
    bool one_is_open = false, answered = false;

    // What no call has taken yet.
    struct Bytes {
        std::uint64_t sent = 0, received = 0;
    };
    [[nodiscard]] Bytes take_bytes();
    // Turns that may be told; all when nothing more will come.
    enum class Which : std::uint8_t { certain, all };
    [[nodiscard]] std::vector<Turn> take_turns(Which which);

    void sent_some(const Event& event, const IoDone& io);
    void received_some(const Event& event, const IoDone& io);

private:
    void end_turn();
};

class ConnectionBook {
public:
    // REQUIRES: a socket's operation. Null: a failed accept.
    BookedConnection* at(const Event& event, const IoDone& io);
    [[nodiscard]] BookedConnection* find(std::int32_t pid, std::int32_t fd);
    // The process' end of that connection. Unix sockets have no endpoints: the one that the process used last.
    [[nodiscard]] BookedConnection* find(std::int32_t pid, const Endpoint& local, const Endpoint& peer);
    void forget(std::int32_t pid, std::int32_t fd);
    void forget_process(std::int32_t pid);
    [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }

    template <class Visit>
    void each(Visit&& visit) {
        for (auto& [key, connection] : connections_) visit(static_cast<std::int32_t>(key >> 32), connection);
    }

private:
    static constexpr std::size_t kMost = 65'536;
    static std::uint64_t key_of(std::int32_t pid, std::int32_t fd) {
        return (std::uint64_t{static_cast<std::uint32_t>(pid)} << 32) | static_cast<std::uint32_t>(fd);
    }
    struct Ends {
        std::int32_t pid = 0;
        Endpoint local, peer;
        bool operator==(const Ends&) const = default;
    };
    struct Hash {
        std::size_t operator()(const Ends& e) const noexcept {
            return (std::hash<Endpoint>()(e.local) * 31 + std::hash<Endpoint>()(e.peer)) * 31 +
                   static_cast<std::uint32_t>(e.pid);
        }
    };
    std::unordered_map<std::uint64_t, BookedConnection> connections_;  // by pid and descriptor
    std::unordered_map<Ends, std::uint64_t, Hash> by_ends_;
    std::unordered_map<std::int32_t, std::uint64_t> last_;  // by pid
    std::uint64_t forgotten_ = 0;
};

}  // namespace autotune::analysis
