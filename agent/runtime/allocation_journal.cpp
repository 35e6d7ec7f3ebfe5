#include "agent/runtime/allocation_journal.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace autotune::runtime {

AllocationJournal::AllocationJournal(const at_ring_header& header, const RingOwner& owner, symbols::Symbolizer& symbolizer)
    : owner_(owner), clock_kind_(header.clock), clock_(header, read_clocks(header.clock)), places_(symbolizer) {}

bool AllocationJournal::read(RingFile& file, std::size_t most, EventBatch& batch) {
    if (!file.refresh()) return false;
    const at_ring_header header = file.header();
    // Once more: names and places that the records below are of are in it for certain.
    if (!file.refresh()) return false;
    clock_.update(read_clocks(clock_kind_));
    tell_lost(header, batch);
    const std::uint64_t used = header.told_used;
    if (used < next_) return false;  // it goes back: a liar
    if (used - next_ > AT_RING_TOLD_RECORDS) {
        counts_.damaged += used - next_ - AT_RING_TOLD_RECORDS;
        next_ = used - AT_RING_TOLD_RECORDS;
        told_.clear();
    }
    const std::uint64_t end = next_ + std::min<std::uint64_t>(used - next_, most);
    const std::uint64_t open = std::clamp<std::uint64_t>(header.told_open, next_, end);
    std::vector<std::uint64_t> told;
    std::array<at_ring_told, 512> records{};
    std::uint64_t at = next_;
    while (at < end) {
        const std::uint64_t slot = at % AT_RING_TOLD_RECORDS;
        const auto piece = std::span(records).first(std::min<std::uint64_t>({records.size(), end - at, AT_RING_TOLD_RECORDS - slot}));
        if (!file.read_into(AT_RING_CHUNKS_AT + slot * sizeof(at_ring_told), piece)) break;
        for (const at_ring_told& record : piece) {
            const std::uint64_t before = at - next_ < told_.size() ? told_[at - next_] : 0;
            if (record.bytes > before) tell(file, record, record.bytes - before, batch);
            if (at++ >= open) told.push_back(std::max<std::uint64_t>(before, record.bytes));
        }
    }
    if (at < end) {  // the file is too short
        ++counts_.damaged;
        return false;
    }
    if (open != next_) file.free_told(open);
    next_ = open;
    told_ = std::move(told);
    return end < used;
}

Event AllocationJournal::event(Timestamp at, std::int32_t tid) const {
    return {.at = at,
            .process = owner_.process,
            .thread = ThreadId{tid == owner_.inner_pid ? owner_.process.pid : tid},
            .cgroup = owner_.cgroup,
            .by = Backend::runtime,
            .body = {}};
}

void AllocationJournal::tell(const RingFile& file, const at_ring_told& record, std::uint64_t bytes, EventBatch& batch) {
    const auto place = bytes < kMostAllocated ? places_.at(file, record.place, batch.tables) : std::nullopt;
    if (!place) {
        ++counts_.damaged;
        return;
    }
    // What is to come has not been yet: a liar's would be held for ever.
    Event told = event(std::min(clock_.at(record.begin), clock_.now()), record.tid);
    told.body = StackSample{.stack = place->stack, .truncated = place->cut, .of = SampleOf::memory, .bytes = bytes};
    batch.events.push_back(told);
    counts_.bytes += bytes;
}

void AllocationJournal::tell_lost(const at_ring_header& header, EventBatch& batch) {
    counts_.lost_bytes = std::min<std::uint64_t>(header.told_lost_bytes, kMostAllocated);
    if (header.told_lost <= counts_.lost || header.told_lost >= kMostAllocated) return;
    Event lost = event(clock_.now(), owner_.inner_pid);
    lost.body = Lost{LossKind::ring_full, header.told_lost - counts_.lost};
    batch.events.push_back(lost);
    counts_.lost = header.told_lost;
}

}  // namespace autotune::runtime
