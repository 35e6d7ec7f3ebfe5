// OwnerMap, the part about calls: from whom to whom.
#include <algorithm>
#include <cerrno>

#include "analyzer/io_errors.hpp"
#include "analyzer/owner/lambda_path.hpp"
#include "analyzer/owner/owner_map.hpp"
#include "analyzer/trace_links.hpp"

namespace autotune::analysis {

namespace {

constexpr int kDeepest = 16;                   // ancestors looked at
constexpr std::size_t kMostStrangers = 16'384;
constexpr std::size_t kMostAccepted = 65'536;
constexpr std::size_t kMostEdges = 100'000;    // pairs and minutes
constexpr std::size_t kMostFailed = 16'384;
constexpr Nanos kRetryWithin = std::chrono::seconds(60);

std::int64_t minute_of(Timestamp t) {
    return std::chrono::floor<std::chrono::minutes>(t).time_since_epoch().count();
}

bool is_socket(IoOp op) { return op <= IoOp::receive; }

bool is_error(std::uint16_t status) { return status == 0 || status == 429 || status >= 500; }

}  // namespace

std::int32_t OwnerMap::server_of(const ProcessId& process) const {
    const auto is_function = [&](std::int32_t pid) {
        const auto owner = by_pid_.find(pid);
        return owner != by_pid_.end() && owners_[owner->second].kind == NodeKind::function;
    };
    ProcessId current = process;
    for (int depth = 0; depth < kDeepest; ++depth) {
        if (served_.contains(current.pid)) return current.pid;
        const ProcessEntry* entry = processes_.find(current);
        if (entry == nullptr || entry->parent_pid == 0) break;
        const ProcessEntry* above = processes_.find({entry->parent_pid, 0});
        // What starts a sandbox does not serve for it.
        if (above == nullptr || above->cgroup != entry->cgroup) break;
        if (is_function(entry->id.pid) && !is_function(above->id.pid)) break;
        current = above->id;
    }
    return process.pid;
}

OwnerMap::Target OwnerMap::target_of(const Endpoint& local, const Endpoint& peer, StringId path) const {
    if (path != StringId{}) return {.path = path};
    if (const auto found = accepted_.find({peer, local}); found != accepted_.end()) return {.owner = found->second};
    if (const auto found = services_.find(peer); found != services_.end() && found->second != kNobody)
        return {.owner = found->second};
    return {.peer = peer};
}

OwnerMap::OwnerId OwnerMap::found_later(const Target& to) const {
    if (to.owner != kNobody) return to.owner;
    const auto found = services_.find(to.peer);
    return found == services_.end() ? kNobody : found->second;
}

// Of a connection that was there before us.
void OwnerMap::find_role(BookedConnection& connection) {
    if (connection.role != EndRole::unknown || !connection.peer.known()) return;
    if (services_.contains(connection.local))
        connection.role = EndRole::server;
    else if (services_.contains(connection.peer))
        connection.role = EndRole::client;
}

void OwnerMap::on(const Event& event, const IoDone& io) {
    if (io.op == IoOp::close_file) {
        if (BookedConnection* connection = connections_.find(event.process.pid, io.fd)) {
            if (connection->role == EndRole::client)
                tell_turns(event.process.pid, *connection, BookedConnection::Which::all);
            connections_.forget(event.process.pid, io.fd);
        }
        return;
    }
    if (!is_socket(io.op)) return;
    BookedConnection* connection = connections_.at(event, io);
    if (connection == nullptr) return;
    if (io.op == IoOp::accept) {
        const OwnerId owner = owner_of(event);
        serves(owner, connection->local);
        if (accepted_.size() >= kMostAccepted) accepted_.clear();
        if (connection->local.known()) accepted_[{connection->local, connection->peer}] = owner;
        return;
    }
    find_role(*connection);
    if (io.op == IoOp::connect) {
        // Before a host's name is looked up libc asks whether there is a cache of names; mostly there is none.
        const bool is_no_cache = io.result == -ENOENT && text(io.path) == "/var/run/nscd/socket";
        if (is_peer_failure(io.result) && !is_no_cache) {
            Turn refused{.start = event.at - io.latency, .end = event.at, .thread = event.thread, .failed = true};
            connection->turns.push_back(refused);
            connection->http = false;
            tell_turns(event.process.pid, *connection, BookedConnection::Which::all);
        }
        return;
    }
    if (io.op == IoOp::send)
        connection->sent_some(event, io);
    else
        connection->received_some(event, io);
    if (connection->role == EndRole::client)
        tell_turns(event.process.pid, *connection, BookedConnection::Which::certain);
    else if (connection->role == EndRole::unknown && !connection->http)
        ++undecided_, connection->turns.clear();
}

void OwnerMap::tell_turns(std::int32_t pid, BookedConnection& connection, BookedConnection::Which which) {
    for (const Turn& turn : connection.take_turns(which)) {
        Event event;
        event.process = {pid, 0};
        if (const ProcessEntry* entry = processes_.find(event.process))
            event.process = entry->id, event.cgroup = entry->cgroup;
        event.thread = turn.thread;
        (void)connection.take_bytes();  // the turns tell them
        tell({.start = turn.start,
              .end = turn.end,
              .from = owner_of(event),
              .to = target_of(connection.local, connection.peer, connection.path),
              .local = connection.local,
              .peer = connection.peer,
              .process = event.process,
              .thread = turn.thread,
              .cgroup = event.cgroup,
              .server = server_of(event.process),
              .error = turn.failed,
              .sent = turn.sent,
              .received = turn.received});
    }
}

void OwnerMap::on(const Event& event, const HttpDone& what) {
    if (is_runtime_api(text(what.path))) return;
    if (what.side == Side::server)
        served(event, what);
    else
        called(event, what);
}

void OwnerMap::served(const Event& event, const HttpDone& what) {
    const OwnerId owner = owner_of(event);
    serves(owner, what.local);
    if (what.local.known() && what.local.family != AddressFamily::unix_path) {
        if (accepted_.size() >= kMostAccepted) accepted_.clear();
        accepted_[{what.local, what.peer}] = owner;
    }
    if (BookedConnection* connection = connections_.find(event.process.pid, what.local, what.peer))
        connection->role = EndRole::server, connection->http = true;
    const Timestamp start = event.at - what.duration;
    std::vector<Work>& open = open_[event.process.pid];
    const auto known = std::ranges::find_if(open, [&](const Work& w) { return !w.one_at_a_time && w.start == start; });
    // Whoever serves Lambda's API does it for the function, whose invocation is told of.
    if (!invoked_function(text(what.method), text(what.path)).empty()) {
        if (known != open.end()) open.erase(known);
        return;
    }
    if (known != open.end()) {
        known->local = what.local, known->peer = what.peer;
        known->method = what.method, known->path = what.path;
        return;
    }
    // Where executors are spoken for by others nobody says when it began: now it is known.
    served_.insert(event.process.pid);
    Work work{.start = start,
              .owner = owner,
              .process = event.process,
              .thread = event.thread,
              .cgroup = event.cgroup,
              .trace = trace_root(text(what.trace_context)),
              .local = what.local,
              .peer = what.peer,
              .open = false,
              .error = is_error(what.status),
              .method = what.method,
              .path = what.path};
    work.id = std::string_view("served-" + std::to_string(event.process.pid) + "-" +
                               std::to_string(++serial_));
    end(std::move(work), event.at);
}

void OwnerMap::called(const Event& event, const HttpDone& what) {
    BookedConnection* connection = connections_.find(event.process.pid, what.local, what.peer);
    Call call{.start = event.at - what.duration,
              .end = event.at,
              .from = owner_of(event),
              .to = target_of(what.local, what.peer, connection != nullptr ? connection->path : StringId{}),
              .local = what.local,
              .peer = what.peer,
              .process = event.process,
              .thread = event.thread,
              .cgroup = event.cgroup,
              .server = server_of(event.process),
              .trace = trace_root(text(what.trace_context)),
              .method = what.method,
              .path = what.path,
              .status = what.status,
              .error = is_error(what.status),
              .sent = what.request_bytes,
              .received = what.response_bytes};
    if (connection != nullptr) {
        connection->role = EndRole::client, connection->http = true;
        const auto bytes = connection->take_bytes();
        if (bytes.sent + bytes.received > 0) call.sent = bytes.sent, call.received = bytes.received;
    }
    if (const std::string function = invoked_function(text(what.method), text(what.path)); !function.empty()) {
        call.to = {.owner = function_owner(function)};
        call.by_path = true;
        call.is_event = what.status == 202;
    }
    tell(std::move(call));
}

// The same again, by the same process and for the same work, after an error.
bool OwnerMap::is_retry(const Call& call) {
    const FailedKey key{call.process.pid, call.to, call.method, call.path};
    const auto before = failed_.find(key);
    bool again = before != failed_.end() && call.start >= before->second && call.start - before->second < kRetryWithin;
    if (again)
        if (const auto open = open_.find(call.server); open != open_.end() && !open->second.empty())
            again = before->second >= open->second.front().start;
    if (call.error) {
        if (failed_.size() >= kMostFailed) failed_.clear();
        failed_[key] = call.end;
    } else if (before != failed_.end()) {
        failed_.erase(before);
    }
    return again;
}

void OwnerMap::ask_who(const Call& call) {
    const Endpoint& peer = call.to.peer;
    if (call.to.owner != kNobody || !peer.known() || peer.family == AddressFamily::unix_path) return;
    if (!peer.is_loopback() && peer.address != call.local.address) return;
    if (asked_.size() >= kMostStrangers) asked_.clear();
    if (asked_.emplace(peer, call.process.pid).second) strangers_.push_back({peer, call.process.pid});
}

std::vector<OwnerMap::Stranger> OwnerMap::take_strangers(std::size_t most) {
    const auto end = strangers_.begin() + static_cast<std::ptrdiff_t>(std::min(most, strangers_.size()));
    std::vector<Stranger> taken(strangers_.begin(), end);
    strangers_.erase(strangers_.begin(), end);
    return taken;
}

void OwnerMap::tell(Call call) {
    call.retry = is_retry(call);
    ask_who(call);
    EdgeSum& sum = edges_[{minute_of(call.end), call.from, call.to, call.by_path}];
    sum.errors += call.error ? 1 : 0;
    sum.retries += call.retry ? 1 : 0;
    sum.sent += call.sent;
    sum.received += call.received;
    sum.times.add(call.end - call.start);
    const std::int64_t oldest = minute_of(call.end - options_.history);
    while (edges_.size() > kMostEdges || edges_.begin()->first.minute < oldest) edges_.erase(edges_.begin());
    calls_.push_back(std::move(call));
    if (calls_.size() <= options_.calls) return;
    calls_.pop_front();
    ++calls_not_kept_;
}

}  // namespace autotune::analysis
