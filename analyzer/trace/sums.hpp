// Sums: the tables of a Trace that need no tree: who was spoken to, which files, which waits, how much.
//
// Bounded: past kMostRows of a kind what is new is added to one row, which says so (`rest`).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "core/trace.hpp"

namespace autotune::analysis {

class Sums {
public:
    // Adds what the event tells; events that only trees tell of are ignored.
    void add(const Event& event);

    // Fills in all tables but functions, processes and trees.
    void fill(Trace& trace) const;

    // The peer of a socket as it is told of: a server's clients are one, whatever port they came from.
    [[nodiscard]] Endpoint peer_of(const IoDone& io) const;
    [[nodiscard]] Endpoint peer_of(const HttpDone& http) const;

private:
    void on(const Event& event, const IoDone& io);
    void on(const Event& event, const HttpDone& http);
    void on(const Event& event, const NameResolved& name);
    void on(const Event& event, const SocketTrouble& trouble);
    void on(const Event& event, const SyscallDone& call);
    void on(const Event& event, const SyscallTotals& totals);
    void on(const Event& event, const OffCpu& wait);
    void on(const Event& event, const ThreadTimes& times);
    void on(const Event& event, const Fault& fault);
    void on(const Event& event, const VariableSeen& variable);
    void on(const Event& event, const NotDecoded& what);
    void on(const Event& event, const Lost& lost);
    void on(const Event& event, const Killed& killed);
    void on(const Event& event, const ExecutorReady& ready) { see(event, ready.usage); }
    void on(const Event& event, const InvocationStarted& start) { see(event, start.usage); }
    void on(const Event& event, const InvocationEnded& end) { see(event, end.usage); }
    void on(const Event& event, const MemoryMark& mark) { see(event, mark.usage); }
    template <class Other>
    void on(const Event&, const Other&) {}

    void see(const Event& event, const CgroupUsage& usage);
    [[nodiscard]] PeerUse& peer(const Endpoint& endpoint, StringId path);
    void on_socket(const IoDone& io);
    void on_file(const IoDone& io);
    [[nodiscard]] Endpoint without_client_port(Endpoint peer, const Endpoint& local) const;

    struct PeerKey {
        Endpoint endpoint;
        StringId path{};
        bool operator==(const PeerKey&) const = default;
    };
    struct HttpKey {
        Side side{};
        bool tls = false;
        StringId method{}, host{}, path{};
        bool operator==(const HttpKey&) const = default;
    };
    struct Hash {
        std::size_t operator()(const PeerKey& k) const noexcept;
        std::size_t operator()(const HttpKey& k) const noexcept;
    };
    std::unordered_map<PeerKey, PeerUse, Hash> peers_;
    std::unordered_map<StringId, FileUse> files_;
    std::unordered_map<HttpKey, HttpUse, Hash> http_;
    PeerUse other_peers_;
    FileUse other_files_;
    HttpUse other_http_;
    std::map<std::uint32_t, SyscallUse> syscalls_;
    struct ThreadKey {
        ProcessId process;
        ThreadId thread{};
        auto operator<=>(const ThreadKey&) const = default;
    };
    std::map<ThreadKey, ThreadUse> threads_;
    std::array<WaitTotals, kWaitCauseCount> waits_{};
    std::deque<VariableRead> variables_;
    std::uint64_t variables_read_ = 0;
    std::map<Endpoint, StringId> names_;
    std::map<StringId, std::uint64_t> not_decoded_;
    std::unordered_set<std::uint16_t> served_ports_;  // local ports that somebody accepted on
    std::array<std::uint64_t, kLossKindCount> lost_{};
    std::uint64_t minor_faults_ = 0, major_faults_ = 0, memory_peak_ = 0, oom_kills_ = 0;
};

}  // namespace autotune::analysis
