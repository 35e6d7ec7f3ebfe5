// OwnerTopology: Events in, the OwnerGraph out: what `autotune topology` is made of, live and from recordings.
//
// Pure: the same events in the same batches give the same graph. Events are put into time order by holding them back
// `hold_back` behind the newest; what comes later than that is used all the same and counted. One owner.
//
//     topology.ingest(batch);
//     batch.events.clear();              // never batch.tables
//     const OwnerGraph graph = topology.finish(batch);
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/endpoint.hpp"
#include "core/event.hpp"
#include "core/owner_graph.hpp"

namespace autotune {

struct OwnerTopologyOptions {
    std::size_t calls = 100'000, works = 100'000;  // that are told one by one; newest win
    Nanos hold_back = std::chrono::milliseconds(100);
    Nanos history = std::chrono::hours(24 * 365);  // edges older than that are forgotten
};

class OwnerTopology {
public:
    explicit OwnerTopology(OwnerTopologyOptions options = {});
    ~OwnerTopology();

    // REQUIRES: the same batch.tables in every call.
    void ingest(const EventBatch& batch);
    // All that was seen; `resolver`, where there is one, is asked for what is ambiguous. REQUIRES: called once.
    [[nodiscard]] OwnerGraph finish(const EventBatch& batch, const JoinResolver& resolver = {});

    // What is known `now`, on the events' clock, of the `window` before, while it goes on. Turns of connections that speak
    // no HTTP come when they are told: eight at a time, and at the connection's end.
    [[nodiscard]] OwnerGraph so_far(Timestamp now, Nanos window, const JoinResolver& resolver = {});
    // Nothing older than what was ingested will come: what is held back, to be put in order, is taken now.
    void settle();

    // Peers on this machine that nobody is known to own, and a process that called them. Each is asked for once.
    struct Stranger {
        Endpoint peer;
        std::int32_t caller = 0;
    };
    [[nodiscard]] std::vector<Stranger> take_strangers(std::size_t most);
    void listening(const Endpoint& address, std::int32_t pid, std::string_view command);

    [[nodiscard]] std::uint64_t events() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace autotune
