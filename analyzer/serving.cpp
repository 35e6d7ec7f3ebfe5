#include "analyzer/serving.hpp"

#include <algorithm>

#include "analyzer/trace_links.hpp"

namespace autotune::analysis {

namespace {

constexpr int kDeepest = 16;                  // ancestors looked at
constexpr std::size_t kMostThreads = 4'096;   // remembered of one process
constexpr std::size_t kMostServers = 65'536;  // processes, and children

}  // namespace

void Serving::begin(Serial serial, const Event& event, const InvocationStarted& what) {
    if (servers_.size() >= kMostServers)
        std::erase_if(servers_, [](const auto& server) { return server.second.open.empty(); });
    Server& server = servers_[event.process.pid];
    Open made{.serial = serial,
              .thread = event.thread,
              .fd = what.fd,
              .trace = trace_root(tables_->strings[what.trace_id]),
              .start = event.at,
              .boundary = what.boundary,
              .sharing = {}};
    for (Open& other : server.open) {
        other.sharing.process = made.sharing.process = true;
        if (other.thread == made.thread) other.sharing.thread = made.sharing.thread = true;
    }
    if (server.threads.size() >= kMostThreads) server.threads.clear();
    if (server.threads.insert(event.thread).second && server.threads.size() > 1) server.has_many = true;
    server.open.push_back(made);
    open_[serial] = event.process.pid;
}

void Serving::end(Serial serial, ThreadId by) {
    const auto known = open_.find(serial);
    if (known == open_.end()) return;
    Server& server = servers_[known->second];
    const auto open = std::ranges::find(server.open, serial, &Open::serial);
    if (open != server.open.end()) {
        server.hops |= by != ThreadId{} && by != open->thread;
        server.open.erase(open);
    }
    open_.erase(known);
}

void Serving::forked(const Event& event, const ProcessStarted& what) {
    if (open_.empty() || what.parent_thread == ThreadId{}) return;
    Event parent = event;
    parent.process = {what.parent_pid, 0};
    parent.thread = what.parent_thread;
    parent.body = ProcessStarted{};
    const Serial serial = owner_of(parent);
    if (serial == 0) return;
    if (children_.size() >= kMostServers) children_.clear();
    children_[event.process.pid] = serial;
}

void Serving::exited(const Event& event) {
    children_.erase(event.process.pid);
    const auto server = servers_.find(event.process.pid);
    if (server != servers_.end() && server->second.open.empty()) servers_.erase(server);
}

Serving::Sharing Serving::sharing(Serial serial) const {
    const auto known = open_.find(serial);
    if (known == open_.end()) return {};
    const auto& open = servers_.at(known->second).open;
    const auto found = std::ranges::find(open, serial, &Open::serial);
    return found != open.end() ? found->sharing : Sharing{};
}

Serving::Clue Serving::clue_of(const Event& event) const {
    Clue clue;
    const auto trace = [&](StringId header) {
        return header == StringId{} ? 0 : trace_root(tables_->strings[header]);
    };
    if (const auto* io = std::get_if<IoDone>(&event.body)) {
        clue.is_accept = io->op == IoOp::accept;
        if (io->op == IoOp::send || io->op == IoOp::receive) clue.fd = io->fd;
        clue.trace = trace(io->trace_context);
    } else if (const auto* http = std::get_if<HttpDone>(&event.body)) {
        clue.trace = trace(http->trace_context);
        if (http->side == Side::server) clue.since = event.at - http->duration;
    } else {
        clue.is_wait = std::holds_alternative<OffCpu>(event.body) || std::holds_alternative<Fault>(event.body);
    }
    return clue;
}

Serving::Server* Serving::nearest(const ProcessId& process) {
    ProcessId current = process;
    for (int depth = 0; depth < kDeepest; ++depth) {
        if (const auto found = servers_.find(current.pid); found != servers_.end()) return &found->second;
        const ProcessEntry* entry = processes_.find(current);
        if (entry == nullptr || entry->parent_pid == 0) return nullptr;
        current = {entry->parent_pid, 0};
    }
    return nullptr;
}

Serving::Serial Serving::by_clue(const std::vector<Open>& open, const Clue& clue, const ThreadId* thread) const {
    Serial found = 0;
    const auto only = [&](auto&& fits) {
        found = 0;
        for (const Open& o : open) {
            if ((thread != nullptr && o.thread != *thread) || !fits(o)) continue;
            if (found != 0) return false;
            found = o.serial;
        }
        return found != 0;
    };
    if (clue.since != Timestamp::min() && only([&](const Open& o) { return o.start == clue.since; })) return found;
    if (clue.fd >= 0 && only([&](const Open& o) { return o.fd == clue.fd; })) return found;
    if (clue.trace != 0 && only([&](const Open& o) { return o.trace == clue.trace; })) return found;
    return 0;
}

bool Serving::is_alone(const Server& server) {
    if (server.open.size() != 1 || server.open.front().sharing.process) return false;
    return server.open.front().boundary == Boundary::runtime_api || server.hops || !server.has_many;
}

Serving::Serial Serving::owner(Server& server, ThreadId thread, bool is_child, const Clue& clue) {
    const bool by_thread = !is_child && !server.hops;
    const auto serves = [&](const Open& o) { return by_thread && o.thread == thread; };
    const auto mine = std::ranges::count_if(server.open, serves);
    if (mine == 1) return std::ranges::find_if(server.open, serves)->serial;
    if (!is_child)
        if (const Serial found = by_clue(server.open, clue, mine > 0 ? &thread : nullptr); found != 0) return found;
    if (mine == 0 && is_alone(server)) return server.open.front().serial;
    if (clue.is_wait || (mine == 0 && by_thread && server.threads.contains(thread))) return 0;
    for (const Open& o : server.open)
        if (mine == 0 || serves(o)) among_.push_back(o.serial);
    return 0;
}

Serving::Serial Serving::owner_of(const Event& event) {
    among_.clear();
    if (open_.empty()) return 0;
    if (!children_.empty())
        if (const auto child = children_.find(event.process.pid); child != children_.end())
            return open_.contains(child->second) ? child->second : 0;
    const Clue clue = clue_of(event);
    if (clue.is_accept) return 0;
    Server* server = nearest(event.process);
    if (server == nullptr || server->open.empty()) return 0;
    const bool is_child = !servers_.contains(event.process.pid);
    return owner(*server, event.thread, is_child, clue);
}

}  // namespace autotune::analysis
