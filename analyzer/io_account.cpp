#include "analyzer/io_account.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "analyzer/io_errors.hpp"

namespace autotune::analysis {

namespace {

// A program that makes up addresses or file names for ever must not eat the agent: what comes after
// these many shares one entry, the unknown peer or the overflow text.
constexpr std::size_t kMostPeers = 512;
constexpr std::size_t kMostFiles = 512;
constexpr std::size_t kMostDescriptors = 65'536;
constexpr StringId kOverflowText = StringId(1);

std::uint64_t key_of(std::int32_t pid, std::int32_t fd) {
    return (std::uint64_t{static_cast<std::uint32_t>(pid)} << 32) | static_cast<std::uint32_t>(fd);
}

bool is_socket(IoOp op) { return op <= IoOp::receive; }

}  // namespace

void IoAccount::begin() {
    peers_.clear();
    files_.clear();
    network_wait_ = disk_wait_ = Nanos(0);
    generation_ = ++connections_->generations_;
}

SocketEnds IoAccount::add(const Event& event, const IoDone& io, Timestamp since) {
    Descriptor& fd = descriptor(event, io);
    const Nanos wait = std::clamp(event.at - since, Nanos(0), io.latency);
    if (is_socket(io.op)) return on_socket(fd, event, io, wait);
    if (io.op == IoOp::close_file)
        on_close(fd);
    else
        on_file(fd, io, wait);
    return {};
}

IoAccount::Descriptor& IoAccount::descriptor(const Event& event, const IoDone& io) {
    // accept and open give the descriptor as their result.
    const bool makes = (io.op == IoOp::accept || io.op == IoOp::open) && io.result >= 0;
    Descriptor& found = connections_->at(event.process.pid, makes ? static_cast<std::int32_t>(io.result) : io.fd);
    if (makes || (io.op == IoOp::connect && !found.connecting)) found = {};
    return found;
}

SocketEnds IoAccount::on_socket(Descriptor& fd, const Event& event, const IoDone& io, Nanos wait) {
    SocketEnds told;
    if (fd.role == SocketRole::none) fd = {};  // it may have been a file whose close was not seen
    const bool moved = io.peer.known() && io.peer != fd.peer;  // also a datagram to somebody else
    if (moved) fd.peer = io.peer, fd.generation = 0, fd.turn = Turn::none;
    if (io.path != StringId{} && io.path != fd.path) fd.path = io.path, fd.generation = 0;
    const bool named = io.local.known() && io.local != fd.local;
    if (named) fd.local = io.local;
    if (fd.role == SocketRole::none)
        fd.role = io.op == IoOp::accept ? SocketRole::server : SocketRole::client;
    if ((moved || named) && fd.local.known() && fd.peer.known()) told = {fd.local, fd.peer, fd.role};
    // Who calls us is no dependency of ours, and waiting for a caller no wait of the invocation.
    if (fd.role == SocketRole::server) return told;

    network_wait_ += wait;
    PeerTotals& peer = peer_of(fd);
    peer.io.wait += wait;
    if (io.op == IoOp::connect) on_connect(fd, peer, io);
    if (io.op == IoOp::send) on_send(fd, peer, event, io);
    if (io.op == IoOp::receive) on_receive(fd, peer, event, io);
    if (io.op == IoOp::connect) fd.turn_start = fd.progress_at = event.at - wait;
    if (is_no_answer(io.result))
        fd.waited += wait;
    else
        fd.progress_at = event.at, fd.waited = Nanos(0);
    fd.last_at = event.at;
    return told;
}

void IoAccount::on_connect(Descriptor& fd, PeerTotals& peer, const IoDone& io) {
    const bool again = std::exchange(fd.connecting, false);
    if (!again) ++peer.io.connects;
    if (is_no_answer(io.result))  // an interrupted one goes on by itself
        fd.connecting = true;
    else if (is_peer_failure(io.result))
        ++peer.io.failures, ++peer.io.failed_connects;
}

void IoAccount::on_send(Descriptor& fd, PeerTotals& peer, const Event& event, const IoDone& io) {
    const bool failure = io.result < 0 && is_peer_failure(io.result);
    if (io.result < 0 && !failure) return;
    if (fd.connecting && failure) {
        fd.connecting = false;
        ++peer.io.failures, ++peer.io.failed_connects;
        return;
    }
    fd.connecting = false;
    if (fd.turn != Turn::sent) {
        ++peer.io.calls;
        fd.turn = Turn::sent;
        fd.turn_start = event.at - io.latency;
    }
    if (failure) return fail_turn(fd, peer);
    peer.io.bytes_sent += static_cast<std::uint64_t>(io.result);
}

void IoAccount::on_receive(Descriptor& fd, PeerTotals& peer, const Event& event, const IoDone& io) {
    if (io.result < 0) {
        if (!is_peer_failure(io.result)) return;
        if (std::exchange(fd.connecting, false)) ++peer.io.failed_connects;
        return fail_turn(fd, peer);
    }
    fd.connecting = false;
    if (io.result == 0) {
        // The other side hung up: a failure when an answer was owed.
        if (fd.turn == Turn::sent) fail_turn(fd, peer);
        return;
    }
    peer.io.bytes_received += static_cast<std::uint64_t>(io.result);
    if (fd.turn == Turn::none) return;  // it spoke first: a greeting
    fd.turn = Turn::answered;
    peer.io.slowest = std::max(peer.io.slowest, event.at - fd.turn_start);
}

void IoAccount::fail_turn(Descriptor& fd, PeerTotals& peer) {
    ++peer.io.failures;
    fd.turn = Turn::none;
}

void IoAccount::on_close(Descriptor& fd) {
    // A connect that was given up before it was answered.
    if (fd.role == SocketRole::client && fd.connecting) {
        PeerTotals& peer = peer_of(fd);
        ++peer.io.failures, ++peer.io.failed_connects;
    }
    fd = {};
}

void IoAccount::on_file(Descriptor& fd, const IoDone& io, Nanos wait) {
    disk_wait_ += wait;
    FileTotals& file = file_of(fd, io.path);
    file.io.wait += wait;
    if (io.result < 0) {
        if (io.result != -EAGAIN && io.result != -EINTR) ++file.io.failures;
        return;
    }
    const auto bytes = static_cast<std::uint64_t>(io.result);
    switch (io.op) {
        case IoOp::open: ++file.io.opens; break;
        case IoOp::read: file.io.bytes_read += bytes; break;
        case IoOp::write: file.io.bytes_written += bytes; break;
        case IoOp::sync: ++file.io.syncs; break;
        case IoOp::list: ++file.io.lists; break;
        case IoOp::make_directory:
        case IoOp::remove:
        case IoOp::rename:
        case IoOp::link:
        case IoOp::resize: ++file.io.changes; break;
        default: break;
    }
}

PeerTotals& IoAccount::peer_of(Descriptor& fd) {
    if (fd.generation == generation_) return peers_[fd.slot];
    // A turn that began before this invocation is not one of its calls.
    if (fd.generation != 0) fd.turn = Turn::none;
    const auto found = peer_at(fd.peer, fd.path);
    found->local = fd.local;
    fd.generation = generation_;
    fd.slot = static_cast<std::uint32_t>(found - peers_.begin());
    return *found;
}

std::vector<PeerTotals>::iterator IoAccount::peer_at(const Endpoint& peer, StringId path) {
    auto found = std::find_if(peers_.begin(), peers_.end(),
                              [&](const PeerTotals& p) { return p.io.peer == peer && p.path == path; });
    if (found == peers_.end() && peers_.size() >= kMostPeers) found = peers_.end() - 1;
    if (found == peers_.end()) {
        found = peers_.emplace(peers_.end());
        if (peers_.size() < kMostPeers) found->io.peer = peer, found->path = path;
    }
    return found;
}

void IoAccount::add(const Event& event, const SocketTrouble& trouble) {
    // Of a connection that is being made nothing is known yet; one that was accepted is.
    const bool is_accepted = std::ranges::any_of(connections_->descriptors_, [&](const auto& known) {
        const auto& [key, fd] = known;
        return key >> 32 == static_cast<std::uint32_t>(event.process.pid) && fd.role == SocketRole::server &&
               fd.local == trouble.local && fd.peer == trouble.peer;
    });
    if (is_accepted) return;
    const auto peer = peer_at(trouble.peer, {});
    if (!peer->local.known()) peer->local = trouble.local;
    ++(trouble.kind == SocketTroubleKind::retransmit ? peer->io.retransmits : peer->io.resets);
}

FileTotals& IoAccount::file_of(Descriptor& fd, StringId path) {
    if (fd.role == SocketRole::none && fd.generation == generation_ && fd.path == path)
        return files_[fd.slot];
    auto found =
        std::find_if(files_.begin(), files_.end(), [&](const FileTotals& f) { return f.path == path; });
    if (found == files_.end() && files_.size() >= kMostFiles) found = files_.end() - 1;
    if (found == files_.end()) {
        found = files_.emplace(files_.end());
        found->path = files_.size() < kMostFiles ? path : kOverflowText;
    }
    fd.role = SocketRole::none;
    fd.path = path;
    fd.generation = generation_;
    fd.slot = static_cast<std::uint32_t>(found - files_.begin());
    return *found;
}

void IoAccount::fail_unanswered(Timestamp at, Nanos idle) {
    Descriptor* latest = nullptr;
    for (auto& [key, fd] : connections_->descriptors_)
        if (fd.role == SocketRole::client && fd.generation == generation_ &&
            (latest == nullptr || fd.last_at > latest->last_at))
            latest = &fd;
    if (latest == nullptr || (latest->turn != Turn::sent && !latest->connecting)) return;
    // A call that the kill interrupted is told, and its wait is in `waited`; one that polled is not.
    const Nanos since = at - latest->progress_at;
    const Nanos untold = std::clamp(idle, Nanos(0), std::max(Nanos(0), since - latest->waited));
    if ((latest->waited + untold) * 2 < since) return;
    PeerTotals& peer = peers_[latest->slot];
    if (latest->connecting) ++peer.io.failed_connects;
    ++peer.io.failures;
    peer.io.wait += untold;
    peer.io.slowest = std::max(peer.io.slowest, at - latest->turn_start);
    network_wait_ += untold;
}

Connections::Descriptor& Connections::at(std::int32_t pid, std::int32_t fd) {
    const auto key = key_of(pid, fd);
    if (key != last_key_) {
        if (descriptors_.size() >= kMostDescriptors) descriptors_.clear();
        last_ = &descriptors_[key];
        last_key_ = key;
    }
    return *last_;
}

void Connections::serves(std::int32_t pid, std::int32_t fd) {
    Descriptor& served = at(pid, fd);
    if (served.role == SocketRole::server) return;
    served = {};
    served.role = SocketRole::server;
}

void Connections::forget_process(std::int32_t pid) {
    std::erase_if(descriptors_,
                  [&](const auto& item) { return item.first >> 32 == static_cast<std::uint32_t>(pid); });
    last_key_ = std::numeric_limits<std::uint64_t>::max();
}

}  // namespace autotune::analysis
