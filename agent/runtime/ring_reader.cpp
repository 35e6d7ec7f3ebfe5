#include "agent/runtime/ring_reader.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <unordered_map>
#include <utility>

namespace autotune::runtime {

namespace {

constexpr std::size_t kMaxEdges = 1'000'000;  // of one process, all threads: 48 MB
constexpr std::uint32_t kEdgesAtOnce = 1024;

std::uint64_t body_at(std::uint32_t slot) { return AT_RING_BODIES_AT + slot * AT_RING_BODY_BYTES; }
std::uint64_t edges_at(std::uint32_t slot, std::size_t first) {
    return body_at(slot) + AT_RING_STACK_BYTES + first * sizeof(at_ring_edge);
}

// Of what a foreign ring says, which may be anything: stays where arithmetic is safe.
std::int64_t whole_ns(double ns) { return static_cast<std::int64_t>(std::clamp(ns, 0.0, 1e17)); }

CallEnd how_of(std::uint32_t depth_how) {
    switch (depth_how & 3) {
        case AT_RING_RETURNED: return CallEnd::returned;
        case AT_RING_RAISED: return CallEnd::raised;
        default: return CallEnd::cut;
    }
}

}  // namespace

RingReader::RingReader(RingFile file, const RingOwner& owner, symbols::Symbolizer& symbolizer)
    : file_(std::move(file)),
      owner_(owner),
      names_(owner.process, symbolizer),
      clock_(file_.header(), read_clocks(file_.header().clock)),
      buffer_(AT_RING_CHUNK_RECORDS),
      edges_(kEdgesAtOnce) {}

bool RingReader::look() {
    if (!file_.refresh()) return false;
    const at_ring_header& h = file_.header();
    clock_.update(read_clocks(h.clock));
    inside_ns_ = clock_.bias_ns(std::min<std::uint64_t>(h.bias_inside, 1u << 30));
    around_ns_ = clock_.bias_ns(std::min<std::uint64_t>(h.bias_around, 1u << 30));
    now_.resize(std::min<std::uint32_t>(h.slots_used, AT_RING_SLOTS));
    if (slots_.size() < now_.size()) slots_.resize(now_.size());
    names_.learn(file_);
    return file_.read_into(AT_RING_SLOTS_AT, std::span(now_));
}

bool RingReader::drain(std::size_t limit, EventBatch& batch) {
    if (!look()) return false;
    tell_values(batch);
    const std::size_t end = batch.events.size() + limit;
    const auto count = static_cast<std::uint32_t>(now_.size());
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t number = (turn_ + i) % count;
        const std::size_t room = end - std::min(end, batch.events.size());
        if (now_[number].state != AT_RING_SLOT_FREE) drain_slot(number, room, batch);
    }
    if (count > 0) turn_ = (turn_ + 1) % count;
    tell_losses(batch);
    return batch.events.size() >= end;
}

void RingReader::begin(Slot& slot, const at_ring_slot& now) {
    edges_known_ -= slot.edges.size() - std::min<std::size_t>(slot.edges.size(), 1);
    slot = {};
    slot.generation = now.generation;
}

void RingReader::drain_slot(std::uint32_t number, std::size_t limit, EventBatch& batch) {
    Slot& slot = slots_[number];
    const at_ring_slot& now = now_[number];
    if (slot.generation != now.generation) begin(slot, now);
    ring_full_ += now.lost - slot.lost;
    shed_ += now.unpaired - slot.unpaired;
    slot.lost = now.lost;
    slot.unpaired = now.unpaired;
    if (!slot.broken && slot.chunk == 0) slot.chunk = now.chunks[0];
    while (!slot.broken && slot.records < now.records && limit > 0) {
        const std::uint64_t available = std::min<std::uint64_t>(now.records - slot.records, limit);
        const std::size_t before = batch.events.size();
        if (!read_chunk(number, available, batch)) give_up(number);
        limit -= std::min(limit, std::max<std::size_t>(batch.events.size() - before, 1));
    }
    if (now.state == AT_RING_SLOT_DONE && (slot.broken || slot.records >= now.records))
        end_slot(number, batch);
}

// Up to the end of the chunk that the next record is in, or to `available` records.
bool RingReader::read_chunk(std::uint32_t number, std::uint64_t available, EventBatch& batch) {
    Slot& slot = slots_[number];
    const std::uint64_t first = slot.records % AT_RING_CHUNK_RECORDS;
    if (first == 0 && slot.records > 0 && !next_chunk(slot)) return false;
    if (slot.chunk == 0 || slot.chunk > AT_RING_CHUNKS) return false;
    const auto count = std::min<std::uint64_t>(available, AT_RING_CHUNK_RECORDS - first);
    const std::span records(buffer_.data(), count);
    const std::uint64_t at =
        AT_RING_CHUNKS_AT + (slot.chunk - 1) * AT_RING_CHUNK_BYTES + first * sizeof(at_ring_record);
    if (!file_.read_into(at, records)) return false;
    for (const at_ring_record& record : records) {
        if (record.edge >= slot.edges.size() && !learn_edges(number, record.edge, batch.tables)) return false;
        tell_call(number, record, batch);
    }
    slot.records += count;
    return true;
}

// REQUIRES: a record after the end of this chunk: before the thread wrote it, it said which chunk is next.
bool RingReader::next_chunk(Slot& slot) {
    at_ring_owner owner{};
    if (slot.chunk == 0 || slot.chunk > AT_RING_CHUNKS) return false;
    if (!file_.read_into(AT_RING_OWNERS_AT + (slot.chunk - 1) * sizeof owner, std::span(&owner, 1)))
        return false;
    file_.free_chunk(slot.chunk - 1);
    slot.chunk = owner.next;
    return true;
}

// The pairs from where we know them up to that one, or all that there are: names are asked for while the code
// is still mapped. False when there is no such pair.
bool RingReader::learn_edges(std::uint32_t number, std::uint32_t up_to, Tables& tables) {
    Slot& slot = slots_[number];
    std::uint32_t whole = 0;
    const std::uint64_t at = AT_RING_SLOTS_AT + number * sizeof(at_ring_slot) + offsetof(at_ring_slot, edges);
    if (!file_.read_into(at, std::span(&whole, 1))) return false;
    whole = std::min<std::uint32_t>(whole, AT_RING_EDGES);
    if (slot.edges.empty()) slot.edges.emplace_back();
    if (slot.edges.size() >= whole) return up_to < slot.edges.size();
    // The writer told where a function's code is before the pair; the library may be gone by now.
    if (!file_.refresh()) return false;
    names_.learn(file_);
    while (slot.edges.size() < whole) {
        const auto known = static_cast<std::uint32_t>(slot.edges.size());
        const std::span some(edges_.data(), std::min(whole - known, kEdgesAtOnce));
        if (edges_known_ + some.size() > kMaxEdges) return false;
        if (!file_.read_into(edges_at(number, known), some)) return false;
        for (const at_ring_edge& edge : some)
            slot.edges.push_back({.function = names_.resolve(file_, edge.function, tables),
                                  .caller = names_.resolve(file_, edge.caller, tables)});
        edges_known_ += some.size();
    }
    return up_to < slot.edges.size();
}

Event RingReader::event(std::uint32_t number, Timestamp at, const EventBody& body) const {
    const std::int32_t tid = now_[number].tid;
    return {.at = at,
            .process = owner_.process,
            .thread = ThreadId{tid == owner_.inner_pid ? owner_.process.pid : tid},
            .cgroup = owner_.cgroup,
            .by = Backend::runtime,
            .body = body};
}

void RingReader::tell_call(std::uint32_t number, const at_ring_record& record, EventBatch& batch) {
    const auto raw = clock_.ns(static_cast<std::int64_t>(record.end - record.begin));
    if (record.edge == 0 || record.end < record.begin || raw < 0) {
        ++undecodable_;
        return;
    }
    const auto bias = std::min(raw, whole_ns(inside_ns_ + static_cast<double>(record.below) * around_ns_));
    batch.events.push_back(event(number, clock_.at(record.end),
                                 CallDone{.function = slots_[number].edges[record.edge].function,
                                          .depth = record.depth_how >> 2,
                                          .how = how_of(record.depth_how),
                                          .duration = Nanos(raw - bias),
                                          .bias = Nanos(bias)}));
    ++calls_told_;
}

RingReader::Totals RingReader::corrected(const at_ring_edge& edge) const {
    const auto calls = static_cast<double>(edge.calls);
    const double total =
        inside_ns_ * static_cast<double>(edge.outer) + around_ns_ * static_cast<double>(edge.below);
    const double self = inside_ns_ * calls + (around_ns_ - inside_ns_) * static_cast<double>(edge.children);
    return {.calls = edge.calls,
            .total_ns = clock_.ns(static_cast<std::int64_t>(edge.total)) - whole_ns(total),
            .self_ns = clock_.ns(static_cast<std::int64_t>(edge.self)) - whole_ns(self)};
}

void RingReader::tell_totals(EventBatch& batch) {
    for (std::uint32_t number = 0; number < now_.size(); ++number)
        if (now_[number].state != AT_RING_SLOT_FREE) tell_totals_of(number, batch);
}

void RingReader::tell_totals_of(std::uint32_t number, EventBatch& batch) {
    Slot& slot = slots_[number];
    if (slot.generation != now_[number].generation || slot.calls == now_[number].calls) return;
    if (!learn_edges(number, 0, batch.tables)) return;
    slot.calls = now_[number].calls;
    for (std::uint32_t first = 1; first < slot.edges.size(); first += kEdgesAtOnce) {
        const std::span some(edges_.data(), std::min<std::size_t>(slot.edges.size() - first, kEdgesAtOnce));
        if (!file_.read_into(edges_at(number, first), some)) return give_up(number);
        for (std::size_t i = 0; i < some.size(); ++i) {
            Edge& edge = slot.edges[first + i];
            const Totals all = corrected(some[i]);
            if (all.calls <= edge.told.calls) continue;
            // Sums that were read between two stores of the thread, or a better rate, may be a little less.
            const Totals grown{.calls = all.calls - edge.told.calls,
                               .total_ns = std::max<std::int64_t>(0, all.total_ns - edge.told.total_ns),
                               .self_ns = std::max<std::int64_t>(0, all.self_ns - edge.told.self_ns)};
            edge.told.calls += grown.calls;
            edge.told.total_ns += grown.total_ns;
            edge.told.self_ns += grown.self_ns;
            tell_total(number, edge, grown, batch);
        }
    }
}

void RingReader::tell_total(std::uint32_t number, const Edge& edge, const Totals& grown,
                            EventBatch& batch) const {
    batch.events.push_back(event(number, clock_.now(),
                                 CallTotals{.function = edge.function,
                                            .caller = edge.caller,
                                            .calls = grown.calls,
                                            .total = Nanos(grown.total_ns),
                                            .self = Nanos(grown.self_ns),
                                            .bias = Nanos(whole_ns(inside_ns_))}));
}

void RingReader::end_slot(std::uint32_t number, EventBatch& batch) {
    tell_totals_of(number, batch);
    Slot& slot = slots_[number];
    if (slot.chunk > 0 && slot.chunk <= AT_RING_CHUNKS) file_.free_chunk(slot.chunk - 1);
    edges_known_ -= slot.edges.size() - std::min<std::size_t>(slot.edges.size(), 1);
    slot = {};
    now_[number].state = AT_RING_SLOT_FREE;
    file_.free_slot(number);
}

void RingReader::give_up(std::uint32_t number) {
    Slot& slot = slots_[number];
    slot.broken = true;
    undecodable_ += std::max<std::uint64_t>(1, now_[number].records - slot.records);
}

void RingReader::tell_values(EventBatch& batch) {
    for (const ToldValue& told : names_.take_values()) {
        shed_ += told.head.skipped;
        if (told.head.slot >= now_.size()) {
            ++undecodable_;
            continue;
        }
        batch.events.push_back(event(told.head.slot, clock_.at(told.head.at),
                                     VariableSeen{.expression = batch.tables.strings.intern(told.expression),
                                                  .value = batch.tables.strings.intern(told.value)}));
    }
}

void RingReader::tell_losses(EventBatch& batch) {
    const std::uint64_t unseen = file_.header().unseen_calls;
    shed_ += unseen - std::exchange(unseen_told_, unseen);
    const auto tell = [&](LossKind kind, std::uint64_t& count) {
        if (count == 0) return;
        batch.events.push_back({.at = clock_.now(),
                                .process = owner_.process,
                                .cgroup = owner_.cgroup,
                                .by = Backend::runtime,
                                .body = Lost{.kind = kind, .count = std::exchange(count, 0)}});
    };
    tell(LossKind::ring_full, ring_full_);
    tell(LossKind::shed, shed_);
    tell(LossKind::undecodable, undecodable_);
}

void RingReader::cut_open_calls(Timestamp at, EventBatch& batch) {
    tell_totals(batch);
    if (file_.header().ended_ticks != 0) at = std::min(at, clock_.at(file_.header().ended_ticks));
    for (std::uint32_t number = 0; number < now_.size(); ++number)
        if (now_[number].state == AT_RING_SLOT_LIVE && !slots_[number].broken) cut_slot(number, at, batch);
    tell_losses(batch);
}

// The open calls together with totals of the same instant, as far as a thread that runs on lets us have them.
std::vector<at_ring_call> RingReader::read_open_calls(std::uint32_t number, EventBatch& batch) {
    std::vector<at_ring_call> open;
    const std::uint64_t at = AT_RING_SLOTS_AT + number * sizeof(at_ring_slot);
    at_ring_slot& now = now_[number];
    for (int attempt = 0; attempt < 8; ++attempt) {
        tell_totals_of(number, batch);
        open.resize(std::min<std::uint32_t>(now.depth, AT_RING_STACK - 1));
        if (!file_.read_into(body_at(number) + sizeof(at_ring_call), std::span(open))) return {};
        const at_ring_slot before = now;
        if (!file_.read_into(at, std::span(&now, 1))) return {};
        if (now.calls == before.calls && now.depth == before.depth) break;
    }
    return open;
}

// From the innermost out: what a call did itself is its time less its callees', the one that is open
// included.
void RingReader::cut_slot(std::uint32_t number, Timestamp at, EventBatch& batch) {
    Slot& slot = slots_[number];
    const std::vector<at_ring_call> open = read_open_calls(number, batch);
    std::unordered_map<std::uint64_t, std::size_t> outermost;
    for (std::size_t i = 0; i < open.size(); ++i) outermost.try_emplace(open[i].function, i);
    std::int64_t callee_ns = 0;
    std::uint64_t beneath = 0;
    for (std::size_t i = open.size(); i-- > 0;) {
        const at_ring_call& call = open[i];
        if (call.edge == 0 || call.begin == 0) continue;
        if (call.edge >= slot.edges.size() && !learn_edges(number, call.edge, batch.tables))
            return give_up(number);
        const auto raw = std::max<std::int64_t>(0, (at - clock_.at(call.begin)).count());
        beneath += call.below;
        const auto bias = std::min(raw, whole_ns(inside_ns_ + static_cast<double>(beneath) * around_ns_));
        ++beneath;
        const auto duration = raw - bias;
        const auto children = clock_.ns(static_cast<std::int64_t>(std::min<std::uint64_t>(
                                  call.children_ticks, std::numeric_limits<std::int64_t>::max()))) -
                              whole_ns(static_cast<double>(call.children) * inside_ns_);
        const Edge& edge = slot.edges[call.edge];
        batch.events.push_back(event(number, at,
                                     CallDone{.function = edge.function,
                                              .depth = static_cast<std::uint32_t>(i),
                                              .how = CallEnd::cut,
                                              .duration = Nanos(duration),
                                              .bias = Nanos(bias)}));
        tell_total(number, edge,
                   {.calls = 1,
                    .total_ns = outermost[call.function] == i ? duration : 0,
                    .self_ns = std::max<std::int64_t>(0, duration - children - callee_ns)},
                   batch);
        callee_ns = duration;
    }
}

}  // namespace autotune::runtime
