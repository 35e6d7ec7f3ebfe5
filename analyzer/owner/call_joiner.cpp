#include "analyzer/owner/call_joiner.hpp"

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>

namespace autotune::analysis {

namespace {

constexpr std::size_t kMostCandidates = 64;

// What one process served.
struct Server {
    std::vector<std::size_t> works;  // by start
    Nanos longest{0};
    std::unordered_set<ThreadId> threads;
    bool hops = false;           // others answer than receive
    bool one_at_a_time = false;  // an executor that asks for work
};

using Servers = std::unordered_map<std::int32_t, Server>;

Servers servers_of(const OwnerGraph& graph, const std::vector<WorkClue>& clues) {
    Servers servers;
    for (std::size_t i = 0; i < graph.works.size(); ++i) {
        const OwnerWork& work = graph.works[i];
        Server& server = servers[work.process.pid];
        server.works.push_back(i);
        server.longest = std::max(server.longest, work.end - work.start);
        server.one_at_a_time |= clues[i].one_at_a_time;
        if (clues[i].one_at_a_time) continue;
        server.threads.insert(work.thread);
        server.hops |= clues[i].answered_by != ThreadId{} && clues[i].answered_by != work.thread;
    }
    return servers;
}

std::vector<std::size_t> open_at(const OwnerGraph& graph, const Server& server, Timestamp at) {
    std::vector<std::size_t> open;
    auto work = std::upper_bound(server.works.begin(), server.works.end(), at,
                                 [&](Timestamp t, std::size_t i) { return t < graph.works[i].start; });
    while (work != server.works.begin()) {
        const OwnerWork& one = graph.works[*--work];
        if (one.start + server.longest < at) break;
        if (at <= one.end) open.push_back(*work);
    }
    return open;
}

// The only one of them that fits; kNone: none or several.
template <class Fits>
std::size_t only(const std::vector<std::size_t>& works, Fits&& fits) {
    std::size_t found = kNone;
    for (const std::size_t work : works) {
        if (!fits(work)) continue;
        if (found != kNone) return kNone;
        found = work;
    }
    return found;
}

void find_parent(OwnerCall& call, const CallClue& clue, const OwnerGraph& graph, const Server& server,
                 const std::vector<WorkClue>& works) {
    std::vector<std::size_t> open = open_at(graph, server, call.start);
    const auto take = [&](std::size_t work, JoinBy by) { call.parent = work, call.by = by, call.confidence = 1; };
    const bool is_child = call.process.pid != clue.server;
    if (server.one_at_a_time) {
        std::erase_if(open, [&](std::size_t w) { return !works[w].one_at_a_time; });
        // At the very instant at which one ends the next may begin; it is the later one's.
        if (!open.empty()) take(open.front(), JoinBy::only);
        return;
    }
    if (open.empty()) return;
    std::vector<std::size_t> mine;
    if (!server.hops && !is_child)
        std::ranges::copy_if(open, std::back_inserter(mine),
                             [&](std::size_t w) { return graph.works[w].thread == call.thread; });
    if (mine.size() == 1) return take(mine.front(), JoinBy::thread);
    const std::vector<std::size_t>& among = mine.empty() ? open : mine;
    if (clue.trace != 0)
        if (const auto found = only(among, [&](std::size_t w) { return works[w].trace == clue.trace; }); found != kNone)
            return take(found, JoinBy::trace);
    const bool serves_elsewhere = mine.empty() && !server.hops && !is_child && server.threads.contains(call.thread);
    if (serves_elsewhere) return;  // between two of its own
    if (open.size() == 1 && (server.hops || server.threads.size() == 1)) return take(open.front(), JoinBy::only);
    call.by = JoinBy::ambiguous;
    for (const std::size_t work : among)
        if (call.candidates.size() < kMostCandidates) call.candidates.push_back(static_cast<std::uint32_t>(work));
    std::ranges::sort(call.candidates);
}

// Finds works by what a call says of them.
class Asked {
public:
    Asked(const OwnerGraph& graph, const std::vector<WorkClue>& clues) : graph_(graph) {
        for (std::size_t i = 0; i < graph.works.size(); ++i) {
            if (clues[i].local.known() && clues[i].peer.known()) on_[{clues[i].local, clues[i].peer}].push_back(i);
            if (clues[i].serves != kNone && clues[i].trace != 0) of_[{clues[i].serves, clues[i].trace}].push_back(i);
        }
    }
    [[nodiscard]] std::size_t by(const OwnerCall& call, const CallClue& clue) const {
        if (clue.invokes != kNone) {
            const auto found = of_.find({clue.invokes, clue.trace});
            return clue.trace == 0 || found == of_.end()
                       ? kNone
                       : within(found->second, call.start, clue.is_event ? Timestamp::max() : call.end);
        }
        const auto found = on_.find({clue.peer, clue.local});
        return found == on_.end() ? kNone : within(found->second, call.start, call.end);
    }

private:
    [[nodiscard]] std::size_t within(const std::vector<std::size_t>& works, Timestamp from, Timestamp to) const {
        const auto first = std::lower_bound(works.begin(), works.end(), from,
                                            [&](std::size_t i, Timestamp t) { return graph_.works[i].start < t; });
        if (first == works.end() || graph_.works[*first].start > to) return kNone;
        const auto next = std::next(first);
        return next != works.end() && graph_.works[*next].start <= to ? kNone : *first;
    }

    const OwnerGraph& graph_;
    std::map<std::pair<Endpoint, Endpoint>, std::vector<std::size_t>> on_;
    std::map<std::pair<std::size_t, std::uint64_t>, std::vector<std::size_t>> of_;
};

}  // namespace

void join_calls(OwnerGraph& graph, const std::vector<WorkClue>& works, const std::vector<CallClue>& calls) {
    const Servers servers = servers_of(graph, works);
    const Asked asked(graph, works);
    graph.ambiguous = 0;
    for (std::size_t i = 0; i < graph.calls.size(); ++i) {
        OwnerCall& call = graph.calls[i];
        if (const auto server = servers.find(calls[i].server); server != servers.end())
            find_parent(call, calls[i], graph, server->second, works);
        graph.ambiguous += call.by == JoinBy::ambiguous ? 1 : 0;
        const std::size_t child = asked.by(call, calls[i]);
        if (child == kNone || child == call.parent) continue;
        OwnerWork& work = graph.works[child];
        if (work.asked_by != kNone) {  // two claim it: neither is believed
            graph.calls[work.asked_by].child = kNone;
            continue;
        }
        work.asked_by = i;
        call.child = child;
    }
    // A work that two calls claimed keeps none.
    for (OwnerWork& work : graph.works)
        if (work.asked_by != kNone && graph.calls[work.asked_by].child == kNone) work.asked_by = kNone;
}

void resolve_joins(OwnerGraph& graph, const JoinResolver& resolver) {
    if (!resolver) return;
    std::vector<std::size_t> ambiguous;
    for (std::size_t i = 0; i < graph.calls.size(); ++i)
        if (graph.calls[i].by == JoinBy::ambiguous) ambiguous.push_back(i);
    if (ambiguous.empty()) return;
    for (const JoinGuess& guess : resolver(graph, ambiguous)) {
        if (guess.call >= graph.calls.size()) continue;
        OwnerCall& call = graph.calls[guess.call];
        if (call.by != JoinBy::ambiguous || guess.work == kNone) continue;
        if (std::ranges::find(call.candidates, guess.work) == call.candidates.end()) continue;
        call.parent = guess.work;
        call.by = JoinBy::pattern;
        call.confidence = std::clamp(guess.confidence, 0.0, 1.0);
        --graph.ambiguous;
    }
}

}  // namespace autotune::analysis
