#include "analyzer/owner/owner_map.hpp"

#include <algorithm>

#include "analyzer/trace_links.hpp"

namespace autotune::analysis {

namespace {

constexpr int kDeepest = 16;                   // ancestors looked at
constexpr std::size_t kMostOwners = 16'384;    // past it processes share one by their program's name
constexpr std::size_t kMostServices = 16'384;
constexpr std::size_t kMostOpen = 4'096;       // works of one process
constexpr std::size_t kMostPids = 100;

// The route that the agent made up for a plain server, and no name that somebody gave: "GET /users/{}".
bool is_route(std::string_view function) { return function.find(' ') != std::string_view::npos; }

}  // namespace

void OwnerMap::add(const Event& event) {
    std::visit([&](const auto& what) { on(event, what); }, event.body);
}

// Who is who.

void OwnerMap::belongs(std::int32_t pid, CgroupId cgroup, OwnerId owner) {
    by_pid_[pid] = owner;
    Owner& to = owners_[owner];
    ++to.processes;
    if (to.pids.size() < kMostPids && std::ranges::find(to.pids, pid) == to.pids.end()) to.pids.push_back(pid);
    if (cgroup != CgroupId{} && to.cgroups.size() < kMostPids && std::ranges::find(to.cgroups, cgroup) == to.cgroups.end())
        to.cgroups.push_back(cgroup);
}

OwnerMap::OwnerId OwnerMap::function_owner(std::string_view name) {
    if (const auto found = functions_.find(name); found != functions_.end()) return found->second;
    constexpr std::string_view kOthers = "(other functions)";
    if (functions_.size() >= kMostOwners && name != kOthers) return function_owner(kOthers);
    owners_.push_back({.name = std::string(name), .kind = NodeKind::function});
    return functions_[std::string(name)] = static_cast<OwnerId>(owners_.size() - 1);
}

OwnerMap::OwnerId OwnerMap::owner_of(const Event& event) {
    if (const auto known = by_pid_.find(event.process.pid); known != by_pid_.end()) {
        auto& cgroups = owners_[known->second].cgroups;  // a listener's was not known
        if (cgroups.empty() && event.cgroup != CgroupId{}) cgroups.push_back(event.cgroup);
        return known->second;
    }
    const ProcessEntry* entry = processes_.find(event.process);
    const std::string_view command = entry != nullptr ? text(entry->command) : std::string_view();
    // What a function's process starts is the function's.
    for (int depth = 0; entry != nullptr && entry->parent_pid != 0 && depth < kDeepest; ++depth) {
        if (const auto above = by_pid_.find(entry->parent_pid);
            above != by_pid_.end() && owners_[above->second].kind == NodeKind::function) {
            belongs(event.process.pid, event.cgroup, above->second);
            return by_pid_[event.process.pid];
        }
        entry = processes_.find({entry->parent_pid, 0});
    }
    const std::string name = command.empty() ? "process " + std::to_string(event.process.pid) : std::string(command);
    if (owners_.size() >= kMostOwners)
        for (OwnerId i = 0; i < owners_.size(); ++i)
            if (owners_[i].name == name || i + 1 == owners_.size()) return belongs(event.process.pid, event.cgroup, i), i;
    owners_.push_back({.name = name});
    belongs(event.process.pid, event.cgroup, static_cast<OwnerId>(owners_.size() - 1));
    return static_cast<OwnerId>(owners_.size() - 1);
}

void OwnerMap::becomes_function(const Event& event, std::string_view name) {
    if (name.empty() || is_route(name)) return;
    const OwnerId function = function_owner(name);
    const auto known = by_pid_.find(event.process.pid);
    if (known == by_pid_.end() || known->second != function) belongs(event.process.pid, event.cgroup, function);
}

void OwnerMap::serves(OwnerId owner, const Endpoint& local) {
    if (!local.known() || local.family == AddressFamily::unix_path) return;
    if (owners_[owner].kind == NodeKind::process && owners_[owner].port == 0) owners_[owner].port = local.port;
    if (services_.size() >= kMostServices) services_.clear();
    const auto [service, is_new] = services_.try_emplace(local, owner);
    if (is_new || service->second == kNobody) return;
    // Workers of one server share its address: they are of one name.
    if (service_of(service->second) != service_of(owner)) service->second = kNobody;
}

ServiceNode OwnerMap::service_of(OwnerId id) const {
    const Owner& owner = owners_[id];
    return {owner.port == 0 ? owner.name : owner.name + ":" + std::to_string(owner.port), owner.kind};
}

void OwnerMap::listening(const Endpoint& address, std::int32_t pid, std::string_view command) {
    OwnerId owner = kNobody;
    if (const auto known = by_pid_.find(pid); known != by_pid_.end()) {
        owner = known->second;
    } else if (owners_.size() < kMostOwners) {
        owners_.push_back({.name = std::string(command)});
        owner = static_cast<OwnerId>(owners_.size() - 1);
        belongs(pid, CgroupId{}, owner);
    } else {
        return;
    }
    serves(owner, address);
}

void OwnerMap::on(const Event& event, const ProcessStarted& what) {
    processes_.started(event, what);
    // After an exec it is another program; a function's stays the function's.
    const auto known = by_pid_.find(event.process.pid);
    const bool is_exec = what.executable != StringId{};
    if (known == by_pid_.end() || (is_exec && owners_[known->second].kind == NodeKind::function)) return;
    by_pid_.erase(known);
}

void OwnerMap::on(const Event& event, const ProcessExited&) {
    connections_.each([&](std::int32_t pid, BookedConnection& connection) {
        if (pid == event.process.pid && connection.role == EndRole::client)
            tell_turns(pid, connection, BookedConnection::Which::all);
    });
    connections_.forget_process(event.process.pid);
    end_works(event.process.pid, event.at, false);
    open_.erase(event.process.pid);
    served_.erase(event.process.pid);
    by_pid_.erase(event.process.pid);
    processes_.exited(event);
    if (++exits_ % 256 == 0) processes_.sweep(event.at - std::chrono::minutes(1));
}

void OwnerMap::on(const Event& event, const ExecutorSeen& what) { becomes_function(event, text(what.function)); }

void OwnerMap::on(const Event&, const NameResolved& what) { names_.learn(what.address, text(what.name)); }

void OwnerMap::on(const Event&, const Lost& what) {
    if (what.kind != LossKind::shed) lost_ += what.count;
}

// Works.

void OwnerMap::on(const Event& event, const ExecutorReady&) { end_works(event.process.pid, event.at, true); }

void OwnerMap::on(const Event& event, const InvocationStarted& what) {
    becomes_function(event, text(what.function));
    std::vector<Work>& open = open_[event.process.pid];
    if (open.size() >= kMostOpen) {
        end(open.front(), event.at);
        open.erase(open.begin());
    }
    served_.insert(event.process.pid);
    open.push_back({.id = what.id,
                    .start = event.at,
                    .owner = owner_of(event),
                    .process = event.process,
                    .thread = event.thread,
                    .cgroup = event.cgroup,
                    .trace = trace_root(text(what.trace_id)),
                    .fd = what.fd,
                    .one_at_a_time = what.boundary == Boundary::runtime_api});
}

void OwnerMap::on(const Event& event, const InvocationEnded& what) {
    const auto found = open_.find(event.process.pid);
    if (found == open_.end()) return;
    const auto work = std::ranges::find(found->second, what.id, &Work::id);
    if (work == found->second.end()) return;
    work->answered_by = event.thread;
    work->error = what.kind == EndKind::error;
    work->open = false;
    end(*work, event.at);
    found->second.erase(work);
}

// Without an end that was seen: it died, or the end was missed.
void OwnerMap::end_works(std::int32_t pid, Timestamp at, bool only_asked_for) {
    const auto found = open_.find(pid);
    if (found == open_.end()) return;
    for (Work& work : found->second) {
        if (only_asked_for && !work.one_at_a_time) continue;
        work.error = !only_asked_for;
        work.open = false;
        end(work, at);
    }
    std::erase_if(found->second, [](const Work& work) { return !work.open; });
}

void OwnerMap::end(Work work, Timestamp at) {
    work.end = at;
    works_.push_back(std::move(work));
    if (works_.size() <= options_.works) return;
    works_.pop_front();
    ++works_not_kept_;
}

}  // namespace autotune::analysis
