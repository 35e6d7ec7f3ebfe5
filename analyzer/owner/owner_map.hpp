// OwnerMap: events in time order become an OwnerGraph: who called whom, by the owner of each end of each connection.
//
// An owner is a function (all its sandboxes), or a process by its program's name and the port it serves on. The owner of
// the other end is, in this order: the function that the request names (Lambda's API: the host is a proxy then); who was
// seen on the other end of this very connection; who accepts on that address, if only one does; whom listening() told of;
// else it is external, and called by the name that its address had for a name server.
//
// Pure. Edges are sums over all calls; of calls and works the newest are kept one by one, so many as the options say.
// What there was no room for is counted. One owner.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "analyzer/host_names.hpp"
#include "analyzer/owner/call_joiner.hpp"
#include "analyzer/owner/connection_book.hpp"
#include "analyzer/owner/latency_histogram.hpp"
#include "analyzer/process_table.hpp"
#include "core/owner_graph.hpp"

namespace autotune::analysis {

struct OwnerMapOptions {
    std::size_t calls = 100'000, works = 100'000;  // newest win
    Nanos history = std::chrono::hours(24 * 365);  // edges older than that are forgotten, by the minute
};

class OwnerMap {
public:
    explicit OwnerMap(OwnerMapOptions options = {}) : options_(options) {}

    // REQUIRES: before anything else; the tables' ids stay the same.
    void use(const Tables& tables) { tables_ = &tables; }
    // REQUIRES: in time order, as far as they are to be had in it.
    void add(const Event& event);

    // Peers on this very machine of which nobody knows who they are, and a process that called them: asked once each.
    struct Stranger {
        Endpoint peer;
        std::int32_t caller = 0;
    };
    [[nodiscard]] std::vector<Stranger> take_strangers(std::size_t most);
    // The answer: that process listens there.
    void listening(const Endpoint& address, std::int32_t pid, std::string_view command);

    // What was seen in [from, to], joined. `turns`: all of them only at the end.
    [[nodiscard]] OwnerGraph graph(Timestamp from, Timestamp to, BookedConnection::Which turns);

private:
    using OwnerId = std::uint32_t;
    static constexpr OwnerId kNobody = 0xFFFFFFFF;
    struct Owner {
        std::string name;  // of the function, else of the program
        NodeKind kind = NodeKind::process;
        std::uint16_t port = 0;
        std::vector<CgroupId> cgroups;
        std::vector<std::int32_t> pids;
        std::uint64_t processes = 0;
    };
    // Whom a call went to, as far as that is known when it ends.
    struct Target {
        OwnerId owner = kNobody;
        Endpoint peer;
        StringId path{};  // of a Unix socket
        auto operator<=>(const Target&) const = default;
    };
    struct EdgeKey {
        std::int64_t minute = 0;
        OwnerId from = 0;
        Target to;
        bool by_path = false;
        auto operator<=>(const EdgeKey&) const = default;
    };
    struct EdgeSum {
        std::uint64_t errors = 0, retries = 0, sent = 0, received = 0;
        LatencyHistogram times;
    };
    struct Call {
        Timestamp start, end;
        OwnerId from = 0;
        Target to;
        Endpoint local, peer;
        ProcessId process;
        ThreadId thread{};
        CgroupId cgroup{};
        std::int32_t server = 0;
        std::uint64_t trace = 0;
        StringId method{}, path{};
        std::uint16_t status = 0;
        bool error = false, retry = false, by_path = false, is_event = false;
        std::uint64_t sent = 0, received = 0;
    };
    struct Work {
        InvocationId id;
        Timestamp start, end;
        OwnerId owner = 0;
        ProcessId process;
        ThreadId thread{}, answered_by{};
        CgroupId cgroup{};
        std::uint64_t trace = 0;
        Endpoint local, peer;
        std::int32_t fd = -1;
        bool open = true, error = false, one_at_a_time = false;
        StringId method{}, path{};
    };
    struct FailedKey {
        std::int32_t pid = 0;
        Target to;
        StringId method{}, path{};
        auto operator<=>(const FailedKey&) const = default;
    };

    void on(const Event& event, const ProcessStarted& what);
    void on(const Event& event, const ProcessExited& what);
    void on(const Event& event, const ExecutorSeen& what);
    void on(const Event& event, const ExecutorReady& what);
    void on(const Event& event, const InvocationStarted& what);
    void on(const Event& event, const InvocationEnded& what);
    void on(const Event& event, const IoDone& what);
    void on(const Event& event, const HttpDone& what);
    void on(const Event& event, const NameResolved& what);
    void on(const Event& event, const Lost& what);
    template <class Other>
    void on(const Event&, const Other&) {}

    [[nodiscard]] std::string_view text(StringId id) const { return tables_->strings[id]; }
    [[nodiscard]] OwnerId owner_of(const Event& event);
    [[nodiscard]] OwnerId function_owner(std::string_view name);
    void belongs(std::int32_t pid, CgroupId cgroup, OwnerId owner);
    void becomes_function(const Event& event, std::string_view name);
    void serves(OwnerId owner, const Endpoint& local);
    void find_role(BookedConnection& connection);
    [[nodiscard]] Target target_of(const Endpoint& local, const Endpoint& peer, StringId path) const;
    [[nodiscard]] std::int32_t server_of(const ProcessId& process) const;
    void served(const Event& event, const HttpDone& what);
    void called(const Event& event, const HttpDone& what);
    void tell_turns(std::int32_t pid, BookedConnection& connection, BookedConnection::Which which);
    void tell(Call call);
    [[nodiscard]] bool is_retry(const Call& call);
    void ask_who(const Call& call);
    void end_works(std::int32_t pid, Timestamp at, bool only_asked_for);
    void end(Work work, Timestamp at);
    [[nodiscard]] ServiceNode service_of(OwnerId owner) const;
    [[nodiscard]] OwnerId found_later(const Target& to) const;

    OwnerMapOptions options_;
    const Tables* tables_ = nullptr;
    ProcessTable processes_;
    std::vector<Owner> owners_;
    std::unordered_map<std::int32_t, OwnerId> by_pid_;
    std::map<std::string, OwnerId, std::less<>> functions_;
    std::unordered_map<Endpoint, OwnerId> services_;  // accepted on; kNobody: by several
    struct Ends {
        Endpoint local, peer;
        bool operator==(const Ends&) const = default;
    };
    struct EndsHash {
        std::size_t operator()(const Ends& e) const noexcept {
            return std::hash<Endpoint>()(e.local) * 0x9E3779B97F4A7C15ULL + std::hash<Endpoint>()(e.peer);
        }
    };
    std::unordered_map<Ends, OwnerId, EndsHash> accepted_;  // server's ends of connections
    ConnectionBook connections_;
    HostNames names_;
    std::unordered_map<std::int32_t, std::vector<Work>> open_;  // by pid, oldest first
    std::unordered_set<std::int32_t> served_;                   // pids that serve, or have
    std::deque<Work> works_;                                    // that are over
    std::deque<Call> calls_;
    std::map<EdgeKey, EdgeSum> edges_;
    std::map<FailedKey, Timestamp> failed_;  // the last of its kind
    std::vector<Stranger> strangers_;
    std::unordered_map<Endpoint, std::int32_t> asked_;
    std::uint64_t calls_not_kept_ = 0, works_not_kept_ = 0, undecided_ = 0, lost_ = 0, exits_ = 0, serial_ = 0;
};

}  // namespace autotune::analysis
