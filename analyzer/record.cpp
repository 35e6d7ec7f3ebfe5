// The half of Assembler that turns a finished invocation's state into its record.
#include <algorithm>
#include <utility>

#include "analyzer/assembler.hpp"
#include "analyzer/memory_peak.hpp"

namespace autotune::analysis {

namespace {

constexpr std::size_t kMostSpare = 64;

bool known(const CgroupUsage& u) { return u.cpu_ns != 0 || u.runnable_ns != 0; }

Nanos difference(std::uint64_t later, std::uint64_t earlier) {
    return Nanos(later > earlier ? static_cast<std::int64_t>(later - earlier) : 0);
}

}  // namespace

// `open` is one of the executor's, and gone afterwards.
void Assembler::close(Executor& executor, OpenInvocation& open, const Ending& ending) {
    Invocation& record = open.record;
    record.end = std::max(ending.at, record.start);
    record.duration = record.end - record.start;
    record.status = ending.status;
    record.error_type = ending.error_type;
    if (failed(record.status)) record.stands_for = 1;  // each of them is told
    record.events_lost = counters_.lost - open.lost_before;
    fill_usage(executor, open, ending);
    if (ending.status == InvocationStatus::timeout && record.cpu.count() > 0) {
        const Nanos busy = record.cpu + record.runnable + open.io.network_wait() + open.io.disk_wait();
        open.io.fail_unanswered(record.end, std::max(Nanos(0), record.duration - busy));
    }
    fill_times(open);
    fill_io(open);
    if (!record.held) book_traffic(record.end, node_of(executor), open.io);
    open.io.begin();
    serving_.end(open.serial, ending.thread);

    if (open.book != nullptr && !record.held) history_.add(*open.book, summarise(record, open.serial));
    ++counters_.invocations;
    executor.last = record.id;
    if (record.boundary == Boundary::runtime_api) remember(executor, open);
    finished_.push_back(std::move(record));
    if (executor.spare.size() < kMostSpare) executor.spare.push_back(std::move(open.io));
    executor.open.erase(executor.open.begin() + (&open - executor.open.data()));
}

void Assembler::fill_usage(const Executor& executor, OpenInvocation& open, const Ending& ending) const {
    Invocation& record = open.record;
    const CgroupUsage none;
    const CgroupUsage* last = ending.usage != nullptr ? ending.usage : open.latest ? &*open.latest : &none;
    if (known(*last)) {
        record.cpu = difference(last->cpu_ns, open.first.cpu_ns);
        record.runnable = difference(last->runnable_ns, open.first.runnable_ns);
    } else {
        record.cpu = open.sampled;  // it died without a reading: statistics are better than nothing
    }
    MemoryPeak peak{0, true};
    if (ending.memory_peak != 0)
        peak = {ending.memory_peak, false};
    else if (last != &none)
        peak = memory_peak(open.first, *last);
    record.memory_peak = peak.bytes;
    const bool is_shared = executor.shares_cgroup || serving_.sharing(open.serial).process;
    record.memory_peak_is_bound = peak.is_bound || is_shared;
    record.usage_is_shared = is_shared;
    for (const std::uint64_t limit : {ending.memory_limit, last->memory_limit, open.first.memory_limit})
        if (record.memory_limit == 0) record.memory_limit = limit;
}

void Assembler::fill_times(OpenInvocation& open) const {
    if (!open.first_times || !open.latest_times || serving_.sharing(open.serial).thread) return;
    Invocation& record = open.record;
    const ThreadTimes& from = *open.first_times;
    const ThreadTimes& to = *open.latest_times;
    // A sleep that an unseen switch made look longer than it was may have been put right since.
    const auto spent = [](Nanos later, Nanos earlier) { return std::max(later - earlier, Nanos(0)); };
    ThreadTimes& thread = record.thread;
    thread.on_cpu = spent(to.on_cpu, from.on_cpu);
    thread.wall = thread.on_cpu;
    for (std::size_t cause = 0; cause < kWaitCauseCount; ++cause) {
        thread.off_cpu[cause] = spent(to.off_cpu[cause], from.off_cpu[cause]);
        thread.wall += thread.off_cpu[cause];
    }
    thread.minor_faults = to.minor_faults - from.minor_faults;
    thread.major_faults = to.major_faults - from.major_faults;
}

void Assembler::fill_io(OpenInvocation& open) const {
    Invocation& record = open.record;
    record.network_wait = open.io.network_wait();
    record.disk_wait = open.io.disk_wait();
    record.peers.reserve(open.io.peers().size());
    for (const PeerTotals& peer : open.io.peers()) {
        record.peers.push_back(peer.io);
        if (peer.path != StringId{})
            record.peers.back().name = text(peer.path);
        else if (const ServiceNode* owner = services_.owner_of_peer(peer.local, peer.io.peer))
            record.peers.back().name = owner->name;
        else
            record.peers.back().name = services_.host_name(peer.io.peer);
    }
    record.files.reserve(open.io.files().size());
    for (const FileTotals& file : open.io.files()) {
        record.files.push_back(file.io);
        record.files.back().path = text(file.path);
    }
}

void Assembler::book_traffic(Timestamp at, const ServiceNode& owner, const IoAccount& io) {
    for (const PeerTotals& peer : io.peers()) services_.traffic(at, owner, peer, text(peer.path));
}

ServiceNode Assembler::node_of(const Executor& executor) const {
    if (!executor.identity.function.empty()) return {executor.identity.function, NodeKind::function};
    const ProcessEntry* process = processes_.find(executor.root);
    if (process != nullptr && process->command != StringId{})
        return {std::string(text(process->command)), NodeKind::process};
    return {"pid " + std::to_string(executor.root.pid), NodeKind::process};
}

ServiceNode Assembler::node_of(const Event& event) {
    if (const Sandbox* sandbox = sandboxes_.find(event); sandbox != nullptr && !sandbox->identities.empty())
        if (const std::string& function = sandbox->identities.back().function; !function.empty())
            return {function, NodeKind::function};
    const ProcessEntry* process = processes_.find(event.process);
    if (process != nullptr && process->command != StringId{})
        return {std::string(text(process->command)), NodeKind::process};
    return {"pid " + std::to_string(event.process.pid), NodeKind::process};
}

}  // namespace autotune::analysis
