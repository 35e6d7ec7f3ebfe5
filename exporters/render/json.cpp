#include "exporters/render/json.hpp"

#include <nlohmann/json.hpp>
#include <string_view>
#include <variant>

namespace autotune::render {

namespace {

using Json = nlohmann::ordered_json;

std::string line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string_view to_string(Backend by) {
    switch (by) {
        case Backend::bpf: return "bpf";
        case Backend::ptrace: return "ptrace";
        case Backend::runtime: return "runtime";
        case Backend::provider_log: return "provider_log";
        case Backend::replay: return "replay";
    }
    return "unknown";
}

Json peer_json(const PeerIo& p) {
    return {{"peer", autotune::to_string(p.peer)},
            {"name", p.name},
            {"connects", p.connects},
            {"calls", p.calls},
            {"failures", p.failures},
            {"failed_connects", p.failed_connects},
            {"retransmits", p.retransmits},
            {"resets", p.resets},
            {"bytes_sent", p.bytes_sent},
            {"bytes_received", p.bytes_received},
            {"wait_ms", to_ms(p.wait)},
            {"slowest_ms", to_ms(p.slowest)}};
}

Json file_json(const FileIo& f) {
    return {{"path", f.path},
            {"opens", f.opens},
            {"bytes_read", f.bytes_read},
            {"bytes_written", f.bytes_written},
            {"syncs", f.syncs},
            {"lists", f.lists},
            {"changes", f.changes},
            {"failures", f.failures},
            {"wait_ms", to_ms(f.wait)}};
}

struct ToJson {
    Json operator()(std::monostate) const { return nullptr; }
    Json operator()(bool v) const { return v; }
    Json operator()(std::int64_t v) const { return v; }
    Json operator()(double v) const { return v; }
    Json operator()(const std::string& v) const { return v; }
    Json operator()(Nanos v) const { return to_seconds(v); }
};

Json off_cpu_json(const ThreadTimes& thread) {
    Json out = Json::object();
    for (std::size_t cause = 0; cause < kWaitCauseCount; ++cause)
        out[std::string(autotune::to_string(static_cast<WaitCause>(cause)))] = to_ms(thread.off_cpu[cause]);
    return out;
}

Json known_or_null(const FactSet& facts, std::string_view prefix) {
    Json out = Json::object();
    for (const FactInfo& fact : fact_catalogue())
        if (fact.name.substr(0, prefix.size()) == prefix)
            out[std::string(fact.name)] = std::visit(ToJson{}, facts[fact.fact]);
    return out;
}

// Monotonic seconds: comparable with each other and with the function's own clock on that machine.
Json seconds_or_null(const std::optional<Timestamp>& t) {
    return t ? Json(static_cast<double>(to_ns(*t)) / 1e9) : Json(nullptr);
}

}  // namespace

std::string invocation_json(const Invocation& i) {
    Json json{{"id", i.id.str()},
              {"function", i.function.name},
              {"provider", i.function.provider},
              {"version", i.version},
              {"qualifier", i.qualifier},
              {"trace_id", i.trace_id},
              {"status", autotune::to_string(i.status)},
              {"error_type", i.error_type},
              {"start", to_rfc3339(i.wall_start)},
              {"duration_ms", to_ms(i.duration)},
              {"time_limit_ms", to_ms(i.time_limit)},
              {"held", i.held},
              {"cold", i.cold},
              {"init_ms", to_ms(i.init)},
              {"cpu_ms", to_ms(i.cpu)},
              {"runnable_ms", to_ms(i.runnable)},
              {"network_wait_ms", to_ms(i.network_wait)},
              {"disk_wait_ms", to_ms(i.disk_wait)},
              {"thread_cpu_ms", to_ms(i.thread.on_cpu)},
              {"off_cpu_ms", off_cpu_json(i.thread)},
              {"minor_faults", i.thread.minor_faults},
              {"major_faults", i.thread.major_faults},
              {"memory_peak", i.memory_peak},
              {"memory_peak_is_bound", i.memory_peak_is_bound},
              {"memory_limit", i.memory_limit},
              {"memory_mb", i.memory_mb},
              {"usage_is_shared", i.usage_is_shared},
              {"request_bytes", i.request_bytes},
              {"response_bytes", i.response_bytes},
              {"io_ambiguous", i.io_ambiguous},
              {"samples", i.samples},
              {"events_lost", i.events_lost},
              {"stands_for", i.stands_for},
              {"pid", i.process.pid},
              {"cgroup", static_cast<std::uint64_t>(i.cgroup)},
              {"backend", to_string(i.by)},
              {"boundary", autotune::to_string(i.boundary)},
              {"peers", Json::array()},
              {"files", Json::array()},
              {"calls", Json::array()},
              {"calls_not_kept", i.calls_not_kept},
              {"not_decoded", Json::array()}};
    for (const PeerIo& peer : i.peers) json["peers"].push_back(peer_json(peer));
    for (const FileIo& file : i.files) json["files"].push_back(file_json(file));
    for (const FunctionCall& call : i.calls)
        json["calls"].push_back({{"function", call.function},
                                 {"trace_id", call.trace_id},
                                 {"start_ms", to_ms(call.start)},
                                 {"duration_ms", to_ms(call.duration)},
                                 {"status", call.status}});
    for (const UndecodedWork& work : i.not_decoded)
        json["not_decoded"].push_back({{"what", work.what}, {"count", work.count}});
    return line(json);
}

std::string facts_json(const FunctionFacts& facts) {
    Json json{{"function", facts.function.name},
              {"provider", facts.function.provider},
              {"labels", facts.labels},
              {"window_s", to_seconds(facts.to - facts.from)},
              {"facts", known_or_null(facts.fn, "fn.")},
              {"deps", Json::array()},
              {"last_oom_s", seconds_or_null(facts.last_oom)},
              {"last_timeout_s", seconds_or_null(facts.last_timeout)},
              {"hottest_frame", facts.hottest_frame},
              {"hottest_share", facts.hottest_share}};
    for (const FactSet& dep : facts.deps) json["deps"].push_back(known_or_null(dep, "dep."));
    return line(json);
}

}  // namespace autotune::render
