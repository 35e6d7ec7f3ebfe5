// AllocationJournal: what a process's journal of allocations says (at_ring_told in runtimes/ring.h), as samples of memory
// with their time: an event for what one place was given within a moment.
//
// Read again and again while the process runs; each byte is told once, exactly, however often a record is seen while it
// grows. The file is foreign: whatever is in it, reading it ends and memory is bounded; what cannot be true is left out and
// counted. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/runtime/allocation_places.hpp"
#include "agent/runtime/ring_clock.hpp"
#include "agent/runtime/ring_file.hpp"
#include "agent/runtime/ring_reader.hpp"
#include "core/event.hpp"

namespace autotune::runtime {

struct JournalCounts {
    std::uint64_t bytes = 0;       // told
    std::uint64_t lost = 0;        // blocks that found no room, and
    std::uint64_t lost_bytes = 0;
    std::uint64_t damaged = 0;     // records that cannot be
};

class AllocationJournal {
public:
    AllocationJournal(const at_ring_header& header, const RingOwner& owner, symbols::Symbolizer& symbolizer);

    // Appends at most `most` samples, and Lost for what found no room. True: there is more. The tables are the same
    // each time.
    bool read(RingFile& file, std::size_t most, EventBatch& batch);

    [[nodiscard]] const JournalCounts& counts() const { return counts_; }

private:
    void tell(const RingFile& file, const at_ring_told& record, std::uint64_t bytes, EventBatch& batch);
    void tell_lost(const at_ring_header& header, EventBatch& batch);
    [[nodiscard]] Event event(Timestamp at, std::int32_t tid) const;

    RingOwner owner_;
    std::uint32_t clock_kind_;
    RingClock clock_;
    AllocationPlaces places_;
    std::uint64_t next_ = 0;            // number of the first record that may have grown
    std::vector<std::uint64_t> told_;   // bytes of it and those that follow
    JournalCounts counts_;
};

}  // namespace autotune::runtime
