#include "agent/symbols/mapping_watch.hpp"

#include <ctime>

#include <utility>

namespace autotune::symbols {

namespace {

constexpr std::size_t kMostMet = 8'192;
constexpr int kMostTurns = 4;  // where more is mapped all the time than is heard

std::int64_t ns_of(clockid_t clock) {
    timespec t{};
    ::clock_gettime(clock, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// On the clock of what is heard; a process that is not known by its start began whenever.
Timestamp began(const ProcessId& process) {
    if (process.start_ns == 0) return {};
    return from_ns(static_cast<std::int64_t>(process.start_ns) - (ns_of(CLOCK_BOOTTIME) - ns_of(CLOCK_MONOTONIC)) - 1'000'000);
}

}  // namespace

Status MappingWatch::start() {
    auto events = MappingEvents::open();
    if (!events) return events.forward();
    events_ = *std::move(events);
    return ok();
}

void MappingWatch::hear() {
    if (!events_) return;
    heard_until_ = clock_.now();
    if (!drained()) return;
    // What came before those that were lost may still be on its way, and must not be believed over what is mapped now.
    for (int turn = 0; turn < kMostTurns && drained(); ++turn) continue;
    begin_anew();
}

bool MappingWatch::drained() {
    const std::uint64_t lost = events_->lost();
    events_->drain(pending_);
    return events_->lost() != lost;
}

// What was heard has gaps: what is mapped now is nearer to the truth than it.
void MappingWatch::begin_anew() {
    heard_ = HeardMappings();
    for (const auto& [pid, process] : met_) {
        symbolizer_.heard(process, {});
        symbolizer_.refresh(process);
    }
    met_.clear(), has_more_.clear();
    pending_.clear(), applied_ = 0;
}

void MappingWatch::advance(Timestamp at) {
    if (at > heard_until_) hear();
    while (applied_ < pending_.size() && pending_[applied_].at <= at) apply(pending_[applied_++]);
    if (applied_ == pending_.size()) pending_.clear(), applied_ = 0;
}

void MappingWatch::apply(const NewMapping& heard) {
    if (heard.what == NewMapping::What::forked) {
        met_.erase(heard.pid), has_more_.erase(heard.pid);  // an earlier process's number
        const auto parent = met_.find(heard.parent);
        if (parent == met_.end()) return heard_.add(heard);
        return heard_.put(heard.pid, heard.at, symbolizer_.maps(ProcessId(parent->second)).mappings());
    }
    heard_.add(heard);
    const auto known = met_.find(heard.pid);
    if (known == met_.end()) return;
    if (heard.what == NewMapping::What::program) {  // who samples it says so, too, and knows more of it
        has_more_.erase(heard.pid);
        met_.erase(known);
    } else if (symbolizer_.mapped(known->second, heard.mapping)) {
        on_replaced_(ProcessId(known->second));
    } else if (heard.mapping.has_file()) {
        has_more_.insert(heard.pid);
    }
}

void MappingWatch::met(const ProcessId& process) {
    if (!events_) return;
    const auto known = met_.find(process.pid);
    if (known == met_.end() || known->second != process || has_more_.contains(process.pid)) tell(process);
}

void MappingWatch::replaced(const ProcessId& process) {
    if (events_) tell(process);
}

void MappingWatch::tell(const ProcessId& process) {
    if (met_.size() >= kMostMet) met_.clear(), has_more_.clear();
    met_[process.pid] = process;
    has_more_.erase(process.pid);
    if (const auto* mappings = heard_.of(process.pid, began(process)); mappings != nullptr && !mappings->empty())
        symbolizer_.heard(process, *mappings);
}

}  // namespace autotune::symbols
