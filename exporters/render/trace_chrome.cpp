#include "exporters/render/trace_chrome.hpp"

#include <cstdio>
#include <ostream>
#include <variant>

#include "exporters/render/syscall_names.hpp"
#include "exporters/render/text.hpp"
#include "exporters/render/trace_label.hpp"

namespace autotune::render {

namespace {

constexpr std::size_t kMostOpen = 100'000;

std::string microseconds(std::int64_t ns) {
    char text[40];
    std::snprintf(text, sizeof text, "%lld.%03lld", static_cast<long long>(ns / 1000),
                  static_cast<long long>(ns % 1000));
    return text;
}

}  // namespace

void ChromeTrace::put(const std::string& json) {
    out_ << (began_ ? ",\n" : "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n") << json;
    began_ = true;
}

void ChromeTrace::span(const Event& event, Nanos duration, std::string_view category, const std::string& name,
                       const std::string& arguments) {
    put("{\"ph\":\"X\",\"cat\":\"" + std::string(category) + "\",\"name\":" + json_string(name) +
        ",\"pid\":" + std::to_string(event.process.pid) +
        ",\"tid\":" + std::to_string(static_cast<std::int32_t>(event.thread)) +
        ",\"ts\":" + microseconds(to_ns(event.at - duration)) + ",\"dur\":" + microseconds(duration.count()) +
        (arguments.empty() ? "" : ",\"args\":{" + arguments + "}") + "}");
}

void ChromeTrace::lane(const Event& event, Nanos duration, std::string_view category, const std::string& name,
                       const std::string& arguments) {
    const std::string common = ",\"cat\":\"" + std::string(category) + "\",\"id\":" + std::to_string(++lanes_) +
                               ",\"name\":" + json_string(name) + ",\"pid\":" + std::to_string(event.process.pid) +
                               ",\"tid\":" + std::to_string(static_cast<std::int32_t>(event.thread));
    put("{\"ph\":\"b\"" + common + ",\"ts\":" + microseconds(to_ns(event.at - duration)) +
        (arguments.empty() ? "" : ",\"args\":{" + arguments + "}") + "}");
    put("{\"ph\":\"e\"" + common + ",\"ts\":" + microseconds(to_ns(event.at)) + "}");
}

void ChromeTrace::name_lanes(const Event& event, const Tables& tables) {
    const auto* started = std::get_if<ProcessStarted>(&event.body);
    if (started == nullptr || started->command == StringId{}) return;
    put("{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":" + std::to_string(event.process.pid) +
        ",\"args\":{\"name\":" + json_string(tables.strings[started->command]) + "}}");
}

void ChromeTrace::add(const EventBatch& batch) {
    const Tables& tables = batch.tables;
    for (const Event& event : batch.events) {
        name_lanes(event, tables);
        if (const auto* call = std::get_if<CallDone>(&event.body)) {
            std::string arguments;
            if (const std::string place = place_of(call->function, tables); !place.empty())
                arguments = "\"at\":" + json_string(place);
            span(event, call->duration, "call", function_name(call->function, tables), arguments);
        } else if (const auto* io = std::get_if<IoDone>(&event.body)) {
            const std::string what = io->path != StringId{} ? std::string(tables.strings[io->path])
                                     : io->peer.known()     ? to_string(io->peer)
                                                            : std::string();
            span(event, io->latency - io->waited, "io",
                 std::string(name_of(io->op)) + (what.empty() ? "" : " " + what),
                 "\"result\":" + std::to_string(io->result) + ",\"fd\":" + std::to_string(io->fd));
        } else if (const auto* http = std::get_if<HttpDone>(&event.body)) {
            lane(event, http->duration, "http",
                 std::string(tables.strings[http->method]) + " " + std::string(tables.strings[http->host]) +
                     std::string(tables.strings[http->path]),
                 "\"status\":" + std::to_string(http->status));
        } else if (const auto* wait = std::get_if<OffCpu>(&event.body)) {
            span(event, wait->duration, "wait", "wait: " + std::string(to_string(wait->cause)), {});
        } else if (const auto* call_done = std::get_if<SyscallDone>(&event.body)) {
            span(event, call_done->latency, "syscall", syscall_name(call_done->number, machine_),
                 "\"result\":" + std::to_string(call_done->result));
        } else if (const auto* start = std::get_if<InvocationStarted>(&event.body)) {
            if (open_.size() < kMostOpen) open_[std::string(start->id.view())] = event.at;
        } else if (const auto* end = std::get_if<InvocationEnded>(&event.body)) {
            const auto open = open_.find(std::string(end->id.view()));
            if (open == open_.end()) continue;
            lane(event, event.at - open->second, "invocation", "invocation " + open->first, {});
            open_.erase(open);
        }
    }
}

void ChromeTrace::finish() {
    if (!began_) out_ << "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
    out_ << "\n]}\n";
}

}  // namespace autotune::render
