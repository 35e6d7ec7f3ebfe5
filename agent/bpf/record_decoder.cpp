#include "agent/bpf/record_decoder.hpp"

#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>

namespace autotune {
namespace {

// 73 years after boot: later ones are garbage, and would overflow when wall time is added.
constexpr std::uint64_t kLatest = std::uint64_t{1} << 61;

// A copy, so that alignment and lifetime are ours. nullopt when the size is not the kind's.
template <class Record>
std::optional<Record> read_as(std::span<const std::byte> bytes) {
    if (bytes.size() < sizeof(Record)) return std::nullopt;
    Record record;
    std::memcpy(&record, bytes.data(), sizeof record);
    return record;
}

}  // namespace

std::string_view field_text(const char* field, std::size_t size) { return {field, strnlen(field, size)}; }

std::int64_t as_program_sees(std::int64_t result) {
    return result <= -512 && result >= -516 ? -EINTR : result;
}

Event make_event(const at_header& header, EventBody body) {
    return {.at = from_ns(static_cast<std::int64_t>(header.at_ns)),
            .process = {header.tgid, header.start_ns},
            .thread = ThreadId(header.tid),
            .cgroup = CgroupId(header.cgroup),
            .by = Backend::bpf,
            .body = body};
}

CgroupUsage to_usage(const at_usage& u) {
    return {u.cpu_ns, u.runnable_ns, u.memory_now, u.memory_peak, u.memory_limit};
}

Endpoint to_endpoint(const at_endpoint& from) {
    Endpoint to;
    if (from.family == AF_UNIX) to.family = AddressFamily::unix_path;
    if (from.family != AF_INET && from.family != AF_INET6) return to;
    to.port = from.port;
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (from.family == AF_INET) {
        to.family = AddressFamily::ipv4;
        std::copy_n(from.address, 4, to.address.begin());
    } else if (std::equal(mapped.begin(), mapped.end(), from.address)) {
        to.family = AddressFamily::ipv4;
        std::copy_n(from.address + 12, 4, to.address.begin());
    } else {
        to.family = AddressFamily::ipv6;
        std::copy_n(from.address, 16, to.address.begin());
    }
    return to;
}

bool is_urgent(const Event& event) {
    if (const auto* exited = std::get_if<ProcessExited>(&event.body)) return exited->signal != 0;
    return std::holds_alternative<Killed>(event.body) || std::holds_alternative<InitFailed>(event.body);
}

bool RecordDecoder::decode(std::span<const std::byte> bytes, EventBatch& batch) {
    const auto header = read_as<at_header>(bytes);
    if (!header || header->size != bytes.size()) return false;
    if (header->at_ns > kLatest) return false;
    const auto with = [&]<class Record>(void (RecordDecoder::*handle)(const Record&, EventBatch&)) {
        if (bytes.size() != sizeof(Record)) return false;
        (this->*handle)(*read_as<Record>(bytes), batch);
        return true;
    };
    const auto alone = [&]<class Record>(void (*handle)(const Record&, EventBatch&)) {
        if (bytes.size() != sizeof(Record)) return false;
        handle(*read_as<Record>(bytes), batch);
        return true;
    };
    switch (header->kind) {
        case AT_FORK: return with(&RecordDecoder::on_fork);
        case AT_EXEC: return with(&RecordDecoder::on_exec);
        case AT_EXIT: return with(&RecordDecoder::on_exit);
        case AT_OOM: return with(&RecordDecoder::on_oom);
        case AT_IO: return with(&RecordDecoder::on_io);
        case AT_IO_PATH: return with(&RecordDecoder::on_io_path);
        case AT_REQUEST_HEAD: return with(&RecordDecoder::on_request_head);
        case AT_ANSWER_PART: return with(&RecordDecoder::on_answer_part);
        case AT_EXISTING: return with(&RecordDecoder::on_existing);
        case AT_HTTP: return with(&RecordDecoder::on_http);
        case AT_TLS: return with(&RecordDecoder::on_tls);
        case AT_MAP: return with(&RecordDecoder::on_map);
        case AT_TROUBLE: return with(&RecordDecoder::on_trouble);
        case AT_NAMES: return with(&RecordDecoder::on_names);
        case AT_NOT_DECODED: return with(&RecordDecoder::on_not_decoded);
        case AT_FD_CHANGE: return with(&RecordDecoder::on_fd_change);
        case AT_THREAD_TIMES: return alone(&RecordDecoder::on_thread_times);
        case AT_OFF_CPU: return alone(&RecordDecoder::on_off_cpu);
        case AT_SYSCALL: return alone(&RecordDecoder::on_syscall);
        default: return false;
    }
}

std::vector<std::int32_t> RecordDecoder::processes() {
    std::vector<std::int32_t> all;
    for (const auto& [pid, process] : book_.all()) all.push_back(pid);
    return all;
}

void RecordDecoder::on_fork(const at_fork_record& r, EventBatch& batch) {
    KnownProcess& child = book_.open(r.header);
    child.parent = r.parent;
    if (const KnownProcess* parent = book_.find_pid(r.parent)) {
        child.files = parent->files;
        child.mappings = parent->mappings;
        child.runtime_api = parent->runtime_api;
    }
    batch.events.push_back(make_event(
        r.header, ProcessStarted{.parent_pid = r.parent,
                                 .command = batch.tables.strings.intern(field_text(r.comm, sizeof r.comm)),
                                 .parent_thread = ThreadId(r.parent_tid)}));
}

void RecordDecoder::on_exec(const at_exec_record& r, EventBatch& batch) {
    KnownProcess& process = book_.open(r.header);
    process.files.keep_only(r.open_fds);
    process.mappings.clear();
    process.answers.clear();
    process.service.reset();
    end_tls(r.header, batch);  // in the memory of the program that was
    if (r.is_new_code != 0) new_code_.insert(r.header.tgid);
    StringTable& strings = batch.tables.strings;
    batch.events.push_back(make_event(
        r.header, ProcessStarted{.parent_pid = r.parent,
                                 .command = strings.intern(field_text(r.comm, sizeof r.comm)),
                                 .executable = strings.intern(field_text(r.path, sizeof r.path))}));
    const std::size_t size = std::min<std::size_t>(r.environment_size, sizeof r.environment);
    process.environment = parse_executor_environment({r.environment, size});
    // More than fitted: the rest is in /proc, if the process is still there.
    if (r.environment_full > size) learn_environment(process);
    if (!process.environment) return;
    process.runtime_api = process.environment->runtime_api;
    if (!process.announced && book_.claim_sandbox(process)) announce(process, r.header, batch);
}

void RecordDecoder::on_exit(const at_exit_record& r, EventBatch& batch) {
    bool failed_init = false;
    if (const KnownProcess* process = book_.find(r.header))
        failed_init = process->announced && book_.owns_sandbox(*process) && !process->init_failed &&
                      !book_.was_ready(process->cgroup);
    end_conversations(r.header, 0, INT_MAX, batch);
    end_tls(r.header, batch);
    if (!book_.close(r.header)) return;
    if (failed_init)
        batch.events.push_back(
            make_event(r.header, InitFailed{.error_type = batch.tables.strings.intern("Runtime.ExitError")}));
    // The last reading of a cgroup whose process is killed: no boundary will bring another one.
    batch.events.push_back(make_event(r.header, MemoryMark{to_usage(r.usage)}));
    const bool killed = WIFSIGNALED(r.status);
    batch.events.push_back(make_event(r.header, ProcessExited{.exit_code = killed ? 0 : WEXITSTATUS(r.status),
                                                              .signal = killed ? WTERMSIG(r.status) : 0}));
}

void RecordDecoder::on_oom(const at_oom_record& r, EventBatch& batch) {
    at_header header = r.header;
    if (header.start_ns == 0) {  // a kernel that tells only the pid
        if (const KnownProcess* victim = book_.find_pid(header.tgid)) {
            header.start_ns = victim->id.start_ns;
            header.cgroup = static_cast<std::uint64_t>(victim->cgroup);
        }
    }
    if (r.usage.cpu_ns != 0) batch.events.push_back(make_event(header, MemoryMark{to_usage(r.usage)}));
    batch.events.push_back(make_event(header, Killed{.reason = KillReason::out_of_memory,
                                                     .victim_pid = header.tgid,
                                                     .memory_peak = r.usage.memory_peak,
                                                     .memory_limit = r.usage.memory_limit}));
}

void RecordDecoder::on_existing(const at_existing_record& r, EventBatch& batch) {
    if (KnownProcess* known = book_.find(r.header)) {  // told by its fork, or by an earlier listing
        known->parent = r.parent;
        return;
    }
    KnownProcess candidate;
    candidate.id = {r.header.tgid, r.header.start_ns};
    learn_environment(candidate);
    if (!r.watched && !candidate.environment) return;
    if (r.watched) new_code_.insert(r.header.tgid);
    KnownProcess& process = book_.open(r.header);
    process.environment = candidate.environment;
    process.parent = r.parent;
    batch.events.push_back(make_event(
        r.header, ProcessStarted{.parent_pid = r.parent,
                                 .command = batch.tables.strings.intern(field_text(r.comm, sizeof r.comm))}));
    if (!process.environment) return;
    process.runtime_api = process.environment->runtime_api;
    if (process.runtime_api.port != 0) early_.emplace_back(process.id.pid, process.runtime_api.port);
    if (!r.watched) discovered_.push_back(process.cgroup);
    if (!book_.claim_sandbox(process)) return;
    // Whether it has asked for work before we came cannot be known; taken as yes, so that its end is no
    // failed start.
    book_.mark_ready(process.cgroup);
    announce(process, r.header, batch);
}

void RecordDecoder::learn_environment(KnownProcess& process) {
    if (const auto text = proc_.environment(process.id.pid)) {
        if (auto found = parse_executor_environment(*text)) process.environment = std::move(found);
    }
}

void RecordDecoder::announce(KnownProcess& process, const at_header& header, EventBatch& batch) {
    process.announced = true;
    book_.hear(process.cgroup, Boundary::runtime_api);
    const ExecutorEnvironment known = process.environment.value_or(ExecutorEnvironment{});
    StringTable& strings = batch.tables.strings;
    batch.events.push_back(make_event(header, ExecutorSeen{.function = strings.intern(known.function),
                                                           .version = strings.intern(known.version),
                                                           .runtime = strings.intern(known.runtime),
                                                           .memory_mb = known.memory_mb,
                                                           .kept_warm = known.kept_warm}));
}

}  // namespace autotune
