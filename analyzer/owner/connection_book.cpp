#include "analyzer/owner/connection_book.hpp"

#include <utility>

#include "analyzer/io_errors.hpp"

namespace autotune::analysis {

namespace {
constexpr std::size_t kMostUncertain = 8;  // turns that wait to learn whether HTTP is spoken
}

BookedConnection::Bytes BookedConnection::take_bytes() {
    return {std::exchange(sent, 0), std::exchange(received, 0)};
}

std::vector<Turn> BookedConnection::take_turns(Which which) {
    if (which == Which::all && one_is_open) end_turn();
    if (http) turns.clear();
    if (turns.empty() || (which == Which::certain && turns.size() < kMostUncertain)) return {};
    if (which == Which::certain) turns.reserve(kMostUncertain);
    return std::exchange(turns, {});
}

void BookedConnection::end_turn() {
    one_is_open = false;
    if (!http) turns.push_back(open);
}

void BookedConnection::sent_some(const Event& event, const IoDone& io) {
    if (io.result > 0) sent += static_cast<std::uint64_t>(io.result);
    if (http || is_no_answer(io.result)) return;
    if (!one_is_open || answered) {
        if (one_is_open) end_turn();
        open = {.start = event.at - io.latency, .end = event.at, .thread = event.thread};
        one_is_open = true;
        answered = false;
    }
    open.end = event.at;
    if (io.result > 0) open.sent += static_cast<std::uint64_t>(io.result);
    open.failed |= is_peer_failure(io.result);
}

void BookedConnection::received_some(const Event& event, const IoDone& io) {
    if (io.result > 0) received += static_cast<std::uint64_t>(io.result);
    if (http || !one_is_open || is_no_answer(io.result)) return;
    if (io.result > 0) {
        answered = true;
        open.end = event.at;
        open.received += static_cast<std::uint64_t>(io.result);
    } else if (!answered) {  // it ended, or broke, with the answer owed
        open.end = event.at;
        open.failed = true;
        end_turn();
    }
}

BookedConnection* ConnectionBook::at(const Event& event, const IoDone& io) {
    const bool accepts = io.op == IoOp::accept;
    if (accepts && io.result < 0) return nullptr;
    const std::int32_t fd = accepts ? static_cast<std::int32_t>(io.result) : io.fd;
    const std::uint64_t key = key_of(event.process.pid, fd);
    if (connections_.size() >= kMost && !connections_.contains(key)) {
        forgotten_ += connections_.size();
        connections_.clear(), by_ends_.clear(), last_.clear();
    }
    BookedConnection& found = connections_[key];
    if (accepts) found = {.role = EndRole::server};
    if (io.op == IoOp::connect) found.role = EndRole::client;
    if (io.path != StringId{}) found.path = io.path;
    const bool is_new = (io.local.known() && io.local != found.local) || (io.peer.known() && io.peer != found.peer);
    if (io.local.known()) found.local = io.local;
    if (io.peer.known()) found.peer = io.peer;
    if (is_new && found.local.known() && found.peer.known()) {
        if (by_ends_.size() >= kMost) by_ends_.clear();
        by_ends_[{event.process.pid, found.local, found.peer}] = key;
    }
    last_[event.process.pid] = key;
    return &found;
}

BookedConnection* ConnectionBook::find(std::int32_t pid, std::int32_t fd) {
    const auto found = connections_.find(key_of(pid, fd));
    return found == connections_.end() ? nullptr : &found->second;
}

BookedConnection* ConnectionBook::find(std::int32_t pid, const Endpoint& local, const Endpoint& peer) {
    std::uint64_t key = 0;
    if (local.family == AddressFamily::unix_path || peer.family == AddressFamily::unix_path) {
        const auto last = last_.find(pid);
        if (last == last_.end()) return nullptr;
        key = last->second;
    } else {
        const auto known = by_ends_.find({pid, local, peer});
        if (known == by_ends_.end()) return nullptr;
        key = known->second;
    }
    const auto found = connections_.find(key);
    return found == connections_.end() ? nullptr : &found->second;
}

void ConnectionBook::forget(std::int32_t pid, std::int32_t fd) {
    const auto found = connections_.find(key_of(pid, fd));
    if (found == connections_.end()) return;
    by_ends_.erase({pid, found->second.local, found->second.peer});
    connections_.erase(found);
}

void ConnectionBook::forget_process(std::int32_t pid) {
    std::erase_if(connections_, [&](const auto& one) { return static_cast<std::int32_t>(one.first >> 32) == pid; });
    std::erase_if(by_ends_, [&](const auto& one) { return one.first.pid == pid; });
    last_.erase(pid);
}

}  // namespace autotune::analysis
