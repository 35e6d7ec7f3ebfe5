// IoAccount: what one executor, or one of its invocations, did on its sockets and files since the last begin().
//
// Connections live longer than invocations (keep-alive), totals do not: begin() forgets totals, and Connections are
// the executor's, shared by its accounts. Bytes are exact sums of what the system calls returned. A call is one turn: a send
// that follows a receive, or the first of a connection. A connection is the (process, descriptor)
// from connect or accept to close. Steady state allocates nothing.
#pragma once

#include <cstdint>
#include <limits>
#include <unordered_map>
#include <vector>

#include "core/event.hpp"
#include "core/invocation.hpp"

namespace autotune::analysis {

// One remote endpoint, or one Unix socket's path.
struct PeerTotals {
    PeerIo io;        // its name is empty: owners are somebody else's knowledge
    StringId path{};  // Unix sockets
    Endpoint local;   // this end of the newest connection
};

struct FileTotals {
    StringId path{};
    FileIo io;  // its path is empty: text is made when a record is
};

enum class SocketRole : std::uint8_t { none, client, server };

// Both ends of a connection, told once.
struct SocketEnds {
    Endpoint local, peer;
    SocketRole role = SocketRole::none;
};

// What an executor's descriptors are. Lives longer than the accounts that use it; one thread.
class Connections {
public:
    // The process accepted this one, although that was not seen.
    void serves(std::int32_t pid, std::int32_t fd);
    void forget_process(std::int32_t pid);

private:
    friend class IoAccount;
    enum class Turn : std::uint8_t { none, sent, answered };
    struct Descriptor {
        Endpoint local, peer;
        StringId path{};
        SocketRole role = SocketRole::none;
        bool connecting = false;  // EINPROGRESS, not heard of since
        Turn turn = Turn::none;
        Timestamp turn_start, last_at;
        Timestamp progress_at;         // last time that a call on it got somewhere
        Nanos waited{0};               // accounted for since then, in calls that did not
        std::uint32_t generation = 0;  // of the account that `slot` is in; another one: look it up anew
        std::uint32_t slot = 0;
    };
    Descriptor& at(std::int32_t pid, std::int32_t fd);

    std::unordered_map<std::uint64_t, Descriptor> descriptors_;  // by pid and fd
    std::uint32_t generations_ = 0;                              // given out
    std::uint64_t last_key_ = std::numeric_limits<std::uint64_t>::max();
    Descriptor* last_ = nullptr;  // of last_key_: most events follow one of the same descriptor
};

class IoAccount {
public:
    // `connections` outlives the account.
    explicit IoAccount(Connections& connections) : connections_(&connections) { begin(); }

    void begin();

    // Returns the ends of the connection when this event told them for the first time, else role none.
    // `since`: start of the invocation; what waited longer is counted from there only.
    SocketEnds add(const Event& event, const IoDone& io, Timestamp since);

    // Booked to the peer of a connection that was not accepted.
    void add(const Event& event, const SocketTrouble& trouble);

    // The executor was killed at `at` and can have waited at most `idle` more than is accounted for. Blames
    // the connection it was last active on if that is still owed an answer and the wait explains most of
    // the time since: the turn failed and was waited for.
    void fail_unanswered(Timestamp at, Nanos idle);

    [[nodiscard]] const std::vector<PeerTotals>& peers() const { return peers_; }
    [[nodiscard]] const std::vector<FileTotals>& files() const { return files_; }
    [[nodiscard]] Nanos network_wait() const { return network_wait_; }
    [[nodiscard]] Nanos disk_wait() const { return disk_wait_; }

private:
    using Descriptor = Connections::Descriptor;
    using Turn = Connections::Turn;

    Descriptor& descriptor(const Event& event, const IoDone& io);
    SocketEnds on_socket(Descriptor& fd, const Event& event, const IoDone& io, Nanos wait);
    void on_file(Descriptor& fd, const IoDone& io, Nanos wait);
    void on_close(Descriptor& fd);
    void on_connect(Descriptor& fd, PeerTotals& peer, const IoDone& io);
    void on_send(Descriptor& fd, PeerTotals& peer, const Event& event, const IoDone& io);
    void on_receive(Descriptor& fd, PeerTotals& peer, const Event& event, const IoDone& io);
    void fail_turn(Descriptor& fd, PeerTotals& peer);
    PeerTotals& peer_of(Descriptor& fd);
    std::vector<PeerTotals>::iterator peer_at(const Endpoint& peer, StringId path);
    FileTotals& file_of(Descriptor& fd, StringId path);

    Connections* connections_;
    std::vector<PeerTotals> peers_;
    std::vector<FileTotals> files_;
    Nanos network_wait_{0}, disk_wait_{0};
    std::uint32_t generation_ = 0;  // no other account, nor this one before begin(), has it
};

}  // namespace autotune::analysis
