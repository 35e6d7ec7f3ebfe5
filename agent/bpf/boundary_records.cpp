// RecordDecoder, the part about invocations that a process serves: of an OpenWhisk action, of a plain HTTP server.
//
// In a sandbox where the Runtime API is spoken nothing that is served is an invocation; in one where an action was
// initialised or run nothing but POST /run is.
#include <algorithm>
#include <charconv>
#include <string>

#include "agent/bpf/openwhisk.hpp"
#include "agent/bpf/record_decoder.hpp"
#include "agent/bpf/server_name.hpp"

namespace autotune {
namespace {

constexpr std::string_view kRuntimeApi = "/2018-06-01/runtime/";

// No other request gets it: wall time, process, and a number in it.
InvocationId make_id(Boundary boundary, const at_header& header, Timestamp at, Nanos wall_offset, std::uint64_t serial) {
    std::array<char, 17> time{};
    const auto wall = static_cast<std::uint64_t>((at.time_since_epoch() + wall_offset).count());
    const auto end = std::to_chars(time.data(), time.data() + time.size(), wall, 16);
    std::string id(boundary == Boundary::http ? "http-" : "run-");
    id.append(time.data(), end.ptr).append("-").append(std::to_string(header.tgid));
    id.append("-").append(std::to_string(serial % 10'000));
    return std::string_view(id);
}

std::string failure_of(std::uint16_t status) {
    return status == 0 ? "no answer" : "HTTP " + std::to_string(status);
}

Nanos time_left(std::uint64_t deadline_ms, Timestamp at, Nanos wall_offset) {
    if (deadline_ms == 0) return Nanos(0);
    return std::max(Nanos(std::chrono::milliseconds(deadline_ms)) - (at.time_since_epoch() + wall_offset), Nanos(0));
}

}  // namespace

// What a request to a server is the beginning of.
void RecordDecoder::begin_work(const at_header& header, HttpConnection& connection, const HttpExchange& e,
                               EventBatch& batch) {
    connection.work = ServedWork{};
    KnownProcess& process = book_.open(header);
    if (e.path.starts_with(kRuntimeApi)) book_.hear(process.cgroup, Boundary::runtime_api);
    const bool is_post = e.method == "POST";
    const auto run = is_post && e.path == "/run" ? parse_action_run(e.body) : std::nullopt;
    const auto init = is_post && e.path == "/init" ? parse_action_init(e.body) : std::nullopt;
    if (run || init) book_.hear(process.cgroup, Boundary::openwhisk);
    const Boundary boundary = book_.boundary(process.cgroup);
    if (boundary == Boundary::runtime_api) return;
    StringTable& strings = batch.tables.strings;
    Event event = make_event(header, {});
    event.at = *e.begun;
    event.thread = e.receiver;
    if (init) {
        connection.work->kind = ServedWork::Kind::initialisation;
        process.action = *init;
        event.body = ExecutorSeen{.function = strings.intern(*init)};
        return batch.events.push_back(event);
    }
    if (boundary == Boundary::openwhisk && !(is_post && e.path == "/run")) return;

    ServedWork& work = *connection.work;
    work.kind = ServedWork::Kind::invocation;
    work.boundary = boundary;
    const ActionRun action = run.value_or(ActionRun{});
    std::string function(action.action), revision(action.version);
    if (boundary == Boundary::http) {
        if (!process.service) process.service = parse_service_name(proc_.environment(process.id.pid).value_or(""));
        function = process.service->function.empty() ? route_name(e.method, e.path) : process.service->function;
        revision = process.service->revision;
    } else if (function.empty()) {
        function = process.action;
    }
    if (action.activation_id.empty() || action.activation_id.size() > 40)
        work.id = make_id(boundary, header, *e.begun, wall_offset_, process.served++);
    else
        work.id = action.activation_id;
    event.body = InvocationStarted{
        .id = work.id,
        .qualifier = strings.intern(revision),
        .trace_id = strings.intern(e.trace_context.empty() ? action.transaction_id : std::string_view(e.trace_context)),
        .function = strings.intern(function),
        .boundary = boundary,
        .fd = connection.fd,
        .time_limit = time_left(action.deadline_ms, *e.begun, wall_offset_),
        .request_bytes = std::max(e.content_length, e.request_bytes),
        .usage = connection.usage};
    batch.events.push_back(event);
}

// Told a nanosecond later: the transfer that brought the last byte is the invocation's too.
void RecordDecoder::end_work(const at_header& header, HttpConnection& connection, const HttpExchange& e,
                             EventBatch& batch) {
    const ServedWork work = connection.work.value_or(ServedWork{});
    connection.work.reset();
    const bool is_cut_by_death = e.status == 0 && header.kind == AT_EXIT;  // its exit tells more
    if (work.kind == ServedWork::Kind::none || is_cut_by_death) return;
    const bool is_strict = work.kind == ServedWork::Kind::initialisation || work.boundary == Boundary::openwhisk;
    const bool is_good = is_strict ? e.status == 200 : e.status != 0 && e.status < 500;
    const StringId failure = is_good ? StringId{} : batch.tables.strings.intern(failure_of(e.status));
    Event event = make_event(header, {});
    event.at = e.ended + Nanos(1);
    event.thread = e.thread;
    if (work.kind == ServedWork::Kind::invocation)
        event.body = InvocationEnded{.id = work.id,
                                     .kind = is_good ? EndKind::response : EndKind::error,
                                     .response_bytes = e.response_bytes,
                                     .error_type = failure,
                                     .usage = connection.usage};
    else if (is_good)
        event.body = ExecutorReady{.usage = connection.usage};
    else
        event.body = InitFailed{.error_type = failure};
    batch.events.push_back(event);
}

}  // namespace autotune
