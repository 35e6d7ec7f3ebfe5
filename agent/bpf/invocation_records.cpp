// RecordDecoder, the part about executors and their invocations.
#include <algorithm>

#include "agent/bpf/http_head.hpp"
#include "agent/bpf/record_decoder.hpp"
#include "agent/bpf/runtime_api.hpp"

namespace autotune {

void RecordDecoder::on_request_head(const at_request_head_record& r, EventBatch& batch) {
    const bool first_heard_of = book_.find(r.header) == nullptr;
    KnownProcess& process = book_.open(r.header);
    const std::string_view head(r.head, std::min<std::size_t>(r.head_size, sizeof r.head));
    process.answers.erase(r.fd);
    const auto request = parse_runtime_request(head);
    if (!request) return;
    book_.hear(process.cgroup, Boundary::runtime_api);
    if (const Endpoint peer = to_endpoint(r.peer); peer.known()) process.runtime_api = peer;
    if (first_heard_of) tell_birth(r.header, batch);
    if (!process.announced) {
        if (!process.environment) learn_environment(process);
        book_.claim_sandbox(process);
        announce(process, r.header, batch);
    }
    const auto push = [&](EventBody body) { batch.events.push_back(make_event(r.header, body)); };
    StringTable& strings = batch.tables.strings;
    switch (request->kind) {
        case RuntimeRequestKind::next:
            book_.mark_ready(process.cgroup);
            return push(ExecutorReady{.usage = to_usage(r.usage)});
        case RuntimeRequestKind::response:
        case RuntimeRequestKind::error:
            return push(InvocationEnded{
                .id = request->id,
                .kind = request->kind == RuntimeRequestKind::error ? EndKind::error : EndKind::response,
                .response_bytes = request->content_length,
                .error_type = strings.intern(request->error_type),
                .usage = to_usage(r.usage)});
        case RuntimeRequestKind::init_error:
            process.init_failed = true;
            return push(InitFailed{.error_type = strings.intern(request->error_type)});
        case RuntimeRequestKind::other: return;
    }
}

// Its cgroup was not watched before it spoke, so nobody told of its start; those that were there at attach were
// listed. The header has the time, on the clock that goes on in suspend: never later than now on ours.
void RecordDecoder::tell_birth(const at_header& header, EventBatch& batch) {
    at_header birth = header;
    birth.at_ns = std::min<std::uint64_t>(header.start_ns, header.at_ns);
    const std::string command = proc_.command(header.tgid).value_or("");
    batch.events.push_back(make_event(birth, ProcessStarted{.command = batch.tables.strings.intern(command)}));
    unlisted_ = true;
}

void RecordDecoder::on_answer_part(const at_answer_part_record& r, EventBatch& batch) {
    KnownProcess& process = book_.open(r.header);
    const std::size_t size = std::min<std::size_t>(r.part_size, sizeof r.part);
    if (r.offset == 0)
        process.answers[r.fd] = {.head = {},
                                 .at = make_event(r.header, {}).at,
                                 .usage = to_usage(r.usage),
                                 .stands_for = std::max<std::uint32_t>(r.stands_for, 1)};
    const auto it = process.answers.find(r.fd);
    if (it == process.answers.end() || it->second.head.size() != r.offset) return;  // not from the start
    it->second.head.append(r.part, size);
    const bool is_all_we_get = size < r.received || it->second.head.size() >= AT_HEAD_SIZE;
    if (!HttpHead::is_complete(it->second.head) && !is_all_we_get) return;
    finish_answer(process, r, batch);
}

void RecordDecoder::finish_answer(KnownProcess& process, const at_answer_part_record& r, EventBatch& batch) {
    const PartialAnswer answer = std::move(process.answers[r.fd]);
    process.answers.erase(r.fd);
    const auto found = parse_runtime_answer(answer.head);
    if (!found) return;  // 4xx, 5xx: the executor will ask again
    StringTable& strings = batch.tables.strings;
    Nanos limit{0};
    if (found->deadline_ms != 0) {
        const auto wall_now = answer.at.time_since_epoch() + wall_offset_;
        limit = std::chrono::milliseconds(found->deadline_ms) - wall_now;
    }
    if (found->held_ms) limit = std::chrono::milliseconds(*found->held_ms);
    Event event = make_event(r.header, InvocationStarted{.id = found->id,
                                                         .qualifier = strings.intern(found->qualifier),
                                                         .trace_id = strings.intern(found->trace_id),
                                                         .function = strings.intern(found->function),
                                                         .time_limit = std::max(limit, Nanos(0)),
                                                         .request_bytes = found->content_length,
                                                         .usage = answer.usage,
                                                         .held = found->held_ms.has_value(),
                                                         .stands_for = answer.stands_for});
    event.at = answer.at;
    batch.events.push_back(event);
}

}  // namespace autotune
