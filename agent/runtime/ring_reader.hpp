// RingReader: turns one process's ring into events.
//
// Each drain() takes what the threads have told since the last one: watched values as VariableSeen, single calls as
// CallDone, in the order of each thread, and gives the memory back. What does not fit in the caller's limit stays in
// the ring for the next time; what found no room there was counted by the writer and becomes Lost, as do values
// that were left out. tell_totals() gives what the exact sums have grown by. Durations have the bias of the probes
// subtracted: their own, and that of all calls beneath them.
//
// The ring is foreign: whatever is in it, a drain ends, its memory is bounded, and no event is made of what
// cannot be true; that is counted as undecodable. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/runtime/function_names.hpp"
#include "agent/runtime/ring_clock.hpp"
#include "agent/runtime/ring_file.hpp"
#include "core/event.hpp"

namespace autotune::runtime {

struct RingOwner {  // who the events are of
    ProcessId process;
    CgroupId cgroup{};
    // A ring of another pid namespace has other thread ids: its main thread is at least known by the process.
    std::int32_t inner_pid = 0;
};

class RingReader {
public:
    RingReader(RingFile file, const RingOwner& owner, symbols::Symbolizer& symbolizer);

    // At most `limit` CallDone events. True when there may be more at once.
    bool drain(std::size_t limit, EventBatch& batch);
    void tell_totals(EventBatch& batch);

    // The process has gone, or the tracing ends: calls that are open are cut, as of `at`. After the last
    // drain and instead of tell_totals().
    void cut_open_calls(Timestamp at, EventBatch& batch);

    void set_mode(at_ring_mode mode) const { file_.set_mode(mode); }
    [[nodiscard]] const at_ring_header& header() const { return file_.header(); }
    [[nodiscard]] const RingOwner& owner() const { return owner_; }
    [[nodiscard]] std::uint64_t calls_told() const { return calls_told_; }

private:
    struct Totals {
        std::uint64_t calls = 0;
        std::int64_t total_ns = 0;
        std::int64_t self_ns = 0;
    };
    struct Edge {
        FrameId function{};
        FrameId caller{};
        Totals told;
    };
    struct Slot {  // what we know of the thread that has it
        std::uint32_t generation = 0;
        std::uint32_t chunk = 0;    // + 1; of the next record
        std::uint64_t records = 0;  // read
        std::uint64_t calls = 0;    // when the totals were told
        std::uint64_t lost = 0;     // told
        std::uint64_t unpaired = 0;
        bool broken = false;      // told what cannot be: left alone
        std::vector<Edge> edges;  // by index; 0 is none
    };
    using Slots = std::vector<at_ring_slot>;

    [[nodiscard]] bool look();  // header and slots, as they are now
    void begin(Slot& slot, const at_ring_slot& now);
    void drain_slot(std::uint32_t number, std::size_t limit, EventBatch& batch);
    [[nodiscard]] bool read_chunk(std::uint32_t number, std::uint64_t available, EventBatch& batch);
    [[nodiscard]] bool next_chunk(Slot& slot);
    [[nodiscard]] bool learn_edges(std::uint32_t number, std::uint32_t up_to, Tables& tables);
    void tell_call(std::uint32_t number, const at_ring_record& record, EventBatch& batch);
    void tell_totals_of(std::uint32_t number, EventBatch& batch);
    void tell_total(std::uint32_t number, const Edge& edge, const Totals& grown, EventBatch& batch) const;
    [[nodiscard]] std::vector<at_ring_call> read_open_calls(std::uint32_t number, EventBatch& batch);
    void cut_slot(std::uint32_t number, Timestamp at, EventBatch& batch);
    void end_slot(std::uint32_t number, EventBatch& batch);
    void tell_values(EventBatch& batch);
    void tell_losses(EventBatch& batch);
    void give_up(std::uint32_t number);
    [[nodiscard]] Event event(std::uint32_t number, Timestamp at, const EventBody& body) const;
    [[nodiscard]] Totals corrected(const at_ring_edge& edge) const;

    RingFile file_;
    RingOwner owner_;
    FunctionNames names_;
    RingClock clock_;
    double inside_ns_ = 0;  // bias of a call in its own duration
    double around_ns_ = 0;  // in that of each call around it
    Slots now_;             // as read last
    std::vector<Slot> slots_;
    std::vector<at_ring_record> buffer_;
    std::vector<at_ring_edge> edges_;
    std::size_t edges_known_ = 0;  // of all slots
    std::uint32_t turn_ = 0;       // slot that is drained first, so that none starves
    std::uint64_t ring_full_ = 0, shed_ = 0, undecodable_ = 0;  // not told yet
    std::uint64_t unseen_told_ = 0;
    std::uint64_t calls_told_ = 0;
};

}  // namespace autotune::runtime
