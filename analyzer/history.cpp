#include "analyzer/history.hpp"

#include <algorithm>

#include "analyzer/trace_links.hpp"

namespace autotune::analysis {

namespace {

constexpr std::size_t kMostLosses = 4'096;

void count_in(std::vector<DependencyTotals>& all, const PeerIo& peer) {
    const std::string name = peer.name.empty() ? to_string(peer.peer) : peer.name;
    auto found = std::find_if(all.begin(), all.end(), [&](const auto& d) { return d.name == name; });
    if (found == all.end()) found = all.insert(all.end(), DependencyTotals{name});
    found->calls += peer.calls + peer.failed_connects;
    found->errors += peer.failures;
    found->bytes_sent += peer.bytes_sent;
    found->bytes_received += peer.bytes_received;
    found->wait += peer.wait;
}

}  // namespace

Record summarise(const Invocation& i, std::uint64_t serial) {
    Record r;
    r.serial = serial;
    r.id = i.id;
    r.trace = trace_root(i.trace_id);
    r.version = i.version;
    r.start = i.start;
    r.end = i.end;
    r.time_limit = i.time_limit;
    r.init = i.init;
    r.cpu = i.cpu;
    r.runnable = i.runnable;
    r.network_wait = i.network_wait;
    r.disk_wait = i.disk_wait;
    r.status = i.status;
    r.cold = i.cold;
    r.memory_peak = i.memory_peak;
    r.memory_peak_is_bound = i.memory_peak_is_bound;
    r.memory_mb = i.memory_mb;
    r.stands_for = i.stands_for;
    for (const PeerIo& peer : i.peers) count_in(r.dependencies, peer);
    return r;
}

FunctionBook* History::book(const FunctionRef& function, Timestamp now) {
    auto found = books_.find(function);
    if (found == books_.end()) {
        if (books_.size() >= limits_.functions) return nullptr;
        found =
            books_.emplace(function, FunctionBook{function, now, {}, {}, SampleRing(limits_.samples)}).first;
    }
    found->second.last_seen = std::max(found->second.last_seen, now);
    return &found->second;
}

void History::add(FunctionBook& book, Record record) {
    const Timestamp oldest = record.end - limits_.span;
    book.last_seen = std::max(book.last_seen, record.end);
    book.changes.add(record);
    book.records.push_back(std::move(record));
    while (book.records.size() > limits_.records || book.records.front().end < oldest)
        book.records.pop_front();
}

void History::add_loss(FunctionBook& book, Loss loss) {
    book.losses.push_back(loss);
    while (book.losses.size() > kMostLosses || book.losses.front().at < loss.at - limits_.span)
        book.losses.pop_front();
}

}  // namespace autotune::analysis
