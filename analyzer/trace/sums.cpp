#include "analyzer/trace/sums.hpp"

#include <algorithm>
#include <cerrno>
#include <variant>
#include <vector>

namespace autotune::analysis {

namespace {

constexpr std::size_t kMostRows = 100'000;
constexpr std::size_t kMostVariables = 1'000;
constexpr std::uint16_t kEphemeral = 32'768;  // where Linux begins to choose ports for clients

bool is_socket(const IoDone& io) { return io.op <= IoOp::receive; }

// The row of `key`, made by `name` when it is new, or that of the others when there are too many.
template <class Map, class Key, class Use, class Name>
Use& row(Map& map, Use& others, const Key& key, Name name) {
    if (const auto found = map.find(key); found != map.end()) return found->second;
    if (map.size() < kMostRows) return map.emplace(key, name()).first->second;
    ++others.rest;
    return others;
}

template <class Map, class By>
auto sorted(const Map& map, By by, const typename Map::mapped_type* others = nullptr) {
    std::vector<typename Map::mapped_type> rows;
    rows.reserve(map.size());
    for (const auto& [key, value] : map) rows.push_back(value);
    if constexpr (requires { others->rest; })
        if (others != nullptr && others->rest > 0) rows.push_back(*others);
    std::sort(rows.begin(), rows.end(), by);
    return rows;
}

}  // namespace

std::size_t Sums::Hash::operator()(const PeerKey& k) const noexcept {
    return std::hash<Endpoint>()(k.endpoint) * 31 + static_cast<std::size_t>(k.path);
}
std::size_t Sums::Hash::operator()(const HttpKey& k) const noexcept {
    const auto part = [](StringId id) { return static_cast<std::size_t>(id); };
    return ((part(k.method) * 31 + part(k.host)) * 1'000'003 + part(k.path)) * 4 +
           static_cast<std::size_t>(k.side) * 2 + (k.tls ? 1 : 0);
}

void Sums::add(const Event& event) {
    std::visit([&](const auto& body) { on(event, body); }, event.body);
}

Endpoint Sums::without_client_port(Endpoint peer, const Endpoint& local) const {
    const bool attached_late = peer.port >= kEphemeral && local.port != 0 && local.port < kEphemeral;
    if (peer.family != AddressFamily::unix_path && (served_ports_.contains(local.port) || attached_late))
        peer.port = 0;
    return peer;
}

Endpoint Sums::peer_of(const IoDone& io) const {
    Endpoint peer = without_client_port(io.peer, io.local);
    if (io.op == IoOp::accept && peer.family != AddressFamily::unix_path) peer.port = 0;
    return peer;
}

Endpoint Sums::peer_of(const HttpDone& http) const {
    Endpoint peer = http.peer;
    if (http.side == Side::server && peer.family != AddressFamily::unix_path) peer.port = 0;
    return peer;
}

PeerUse& Sums::peer(const Endpoint& endpoint, StringId path) {
    return row(peers_, other_peers_, PeerKey{endpoint, path},
               [&] { return PeerUse{.peer = endpoint, .path = path}; });
}

void Sums::on(const Event&, const IoDone& io) { is_socket(io) ? on_socket(io) : on_file(io); }

void Sums::on_socket(const IoDone& io) {
    if (io.op == IoOp::accept && io.result >= 0 && io.local.port != 0) served_ports_.insert(io.local.port);
    PeerUse& use = peer(peer_of(io), io.path);
    use.wait += io.latency;
    use.slowest = std::max(use.slowest, io.latency);
    const bool would_block = io.result == -EAGAIN || (io.op == IoOp::connect && io.result == -EINPROGRESS);
    if (io.result < 0 && !would_block) {
        ++use.failures;
        use.refused += io.result == -ECONNREFUSED ? 1 : 0;
        use.reset += io.result == -ECONNRESET || io.result == -EPIPE ? 1 : 0;
    }
    const std::uint64_t bytes = io.result > 0 ? static_cast<std::uint64_t>(io.result) : 0;
    switch (io.op) {
        case IoOp::connect: ++use.connects; break;
        case IoOp::accept: use.accepts += io.result >= 0 ? 1 : 0; break;
        case IoOp::send: ++use.sends, use.bytes_sent += bytes; break;
        default: ++use.receives, use.bytes_received += bytes; break;
    }
}

void Sums::on_file(const IoDone& io) {
    FileUse& use = row(files_, other_files_, io.path, [&] { return FileUse{.path = io.path}; });
    use.wait += io.latency;
    use.slowest = std::max(use.slowest, io.latency);
    use.failures += io.result < 0 && io.result != -EAGAIN ? 1 : 0;
    const std::uint64_t bytes = io.result > 0 ? static_cast<std::uint64_t>(io.result) : 0;
    switch (io.op) {
        case IoOp::open: ++use.opens; break;
        case IoOp::read: ++use.reads, use.bytes_read += bytes; break;
        case IoOp::write: ++use.writes, use.bytes_written += bytes; break;
        case IoOp::sync: ++use.syncs; break;
        case IoOp::map_file: ++use.maps, use.bytes_mapped += bytes; break;
        case IoOp::close_file: break;
        default: ++use.others; break;
    }
}

void Sums::on(const Event&, const HttpDone& http) {
    const HttpKey key{http.side, http.tls, http.method, http.host, http.path};
    HttpUse& use = row(http_, other_http_, key, [&] {
        return HttpUse{.side = key.side, .tls = key.tls, .method = key.method, .host = key.host, .path = key.path};
    });
    ++use.count;
    use.failures += http.status == 0 || http.status >= 400 ? 1 : 0;
    const std::size_t status_class = http.status / 100;
    ++use.by_class[status_class < use.by_class.size() ? status_class : 0];
    use.request_bytes += http.request_bytes;
    use.response_bytes += http.response_bytes;
    use.latency += http.latency;
    use.slowest = std::max(use.slowest, http.latency);
}

void Sums::on(const Event&, const NameResolved& name) {
    if (names_.size() >= kMostRows && !names_.contains(name.address)) return;
    names_[name.address] = name.name;
}

void Sums::on(const Event&, const SocketTrouble& trouble) {
    PeerUse& use = peer(without_client_port(trouble.peer, trouble.local), StringId{});
    if (trouble.kind == SocketTroubleKind::retransmit)
        ++use.retransmits;
    else if (trouble.kind == SocketTroubleKind::reset_received)
        ++use.reset;
}

void Sums::on(const Event&, const SyscallDone& call) {
    SyscallUse& use = syscalls_[call.number];
    use.number = call.number;
    ++use.calls;
    use.failures += call.result < 0 && call.result >= -4095 ? 1 : 0;
    use.latency += call.latency;
    use.slowest = std::max(use.slowest, call.latency);
}

void Sums::on(const Event&, const SyscallTotals& totals) {
    SyscallUse& use = syscalls_[totals.number];
    use.number = totals.number;
    use.calls += totals.calls;
    use.failures += totals.failures;
    use.latency += totals.latency;
    use.slowest = std::max(use.slowest, totals.slowest);
}

void Sums::on(const Event&, const OffCpu& wait) {
    WaitTotals& total = waits_[static_cast<std::size_t>(wait.cause)];
    ++total.count;
    total.duration += wait.duration;
    total.slowest = std::max(total.slowest, wait.duration);
}

void Sums::on(const Event& event, const ThreadTimes& times) {
    if (threads_.size() >= kMostRows && !threads_.contains({event.process, event.thread})) return;
    threads_[{event.process, event.thread}] = {event.process, event.thread,
                                               times};  // sums: the newest is all
}

void Sums::on(const Event&, const Fault& fault) { ++(fault.major ? major_faults_ : minor_faults_); }

void Sums::on(const Event& event, const VariableSeen& variable) {
    ++variables_read_;
    variables_.push_back({event.at, event.process, event.thread, variable.expression, variable.value});
    if (variables_.size() > kMostVariables) variables_.pop_front();
}

void Sums::on(const Event&, const NotDecoded& what) { not_decoded_[what.what] += what.count; }
void Sums::on(const Event&, const Lost& lost) { lost_[static_cast<std::size_t>(lost.kind)] += lost.count; }
void Sums::on(const Event&, const Killed& killed) {
    oom_kills_ += killed.reason == KillReason::out_of_memory ? 1 : 0;
    memory_peak_ = std::max(memory_peak_, killed.memory_peak);
}
void Sums::see(const Event&, const CgroupUsage& usage) {
    memory_peak_ = std::max(memory_peak_, usage.memory_now);
}

void Sums::fill(Trace& trace) const {
    trace.peers = sorted(peers_, [](const PeerUse& a, const PeerUse& b) {
        return a.wait != b.wait ? a.wait > b.wait : std::tie(a.peer, a.path) < std::tie(b.peer, b.path);
    }, &other_peers_);
    for (PeerUse& use : trace.peers) {
        Endpoint address = use.peer;
        address.port = 0;
        if (const auto name = names_.find(address); name != names_.end()) use.name = name->second;
    }
    trace.files = sorted(files_, [](const FileUse& a, const FileUse& b) {
        return a.wait != b.wait ? a.wait > b.wait : a.path < b.path;
    }, &other_files_);
    trace.http = sorted(http_, [](const HttpUse& a, const HttpUse& b) {
        if (a.latency != b.latency) return a.latency > b.latency;
        return std::tie(a.path, a.host, a.method, a.side, a.tls) <
               std::tie(b.path, b.host, b.method, b.side, b.tls);
    }, &other_http_);
    trace.syscalls = sorted(syscalls_, [](const SyscallUse& a, const SyscallUse& b) {
        if (a.latency != b.latency) return a.latency > b.latency;
        return a.calls != b.calls ? a.calls > b.calls : a.number < b.number;
    });
    trace.threads = sorted(threads_, [](const ThreadUse& a, const ThreadUse& b) {
        if (a.times.wall != b.times.wall) return a.times.wall > b.times.wall;
        return std::tie(a.process, a.thread) < std::tie(b.process, b.thread);
    });
    trace.waits = waits_;
    trace.minor_faults = minor_faults_;
    trace.major_faults = major_faults_;
    if (!threads_.empty() &&
        minor_faults_ + major_faults_ == 0)  // not told one by one: the threads counted them
        for (const auto& [key, use] : threads_) {
            trace.minor_faults += use.times.minor_faults;
            trace.major_faults += use.times.major_faults;
        }
    trace.memory_peak = memory_peak_;
    trace.oom_kills = oom_kills_;
    trace.variables.assign(variables_.begin(), variables_.end());
    trace.variables_read = variables_read_;
    for (const auto& [address, name] : names_) trace.names.push_back({name, address});
    for (const auto& [what, count] : not_decoded_) trace.not_decoded.push_back({what, count});
    trace.lost = lost_;
}

}  // namespace autotune::analysis
