#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "exporters/render/json.hpp"
#include "exporters/render/syscall_names.hpp"
#include "exporters/render/trace_label.hpp"
#include "exporters/render/trace_report.hpp"

namespace autotune::render {

namespace {

using Json = nlohmann::ordered_json;

std::string line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

class Writer {
public:
    Writer(std::ostream& out, const TraceReport& report) : out_(out), report_(report), trace_(report.trace) {}

    // Piece by piece: the trees of a long trace are large, and need not be in memory twice.
    void print() {
        std::string head = line(setting());
        head.pop_back();
        out_ << head;
        list("functions", trace_.functions, [&](const FunctionUse& f) { out_ << line(function(f)); });
        list("invocations", trace_.invocations,
             [&](const TracedInvocation& i) { with_tree(invocation(i), i.tree); });
        list("processes", trace_.processes,
             [&](const TracedProcess& p) { with_tree(line(process(p)), p.tree); });
        out_ << ",\"io\":" << line(io());
        list("syscalls", trace_.syscalls, [&](const SyscallUse& s) { out_ << line(syscall(s)); });
        out_ << ",\"waits\":" << line(waits());
        list("variables", trace_.variables, [&](const VariableRead& v) { out_ << line(variable(v)); });
        std::string tail = line(sums());
        out_ << ',' << std::string_view(tail).substr(1);
    }

private:
    [[nodiscard]] std::string text(StringId id) const { return std::string(report_.tables.strings[id]); }
    // Since the trace's first event, in nanoseconds.
    [[nodiscard]] std::int64_t since(Timestamp at) const { return (at - trace_.from).count(); }

    template <class List, class Put>
    void list(const char* name, const List& list, Put put) {
        out_ << ",\"" << name << "\":[";
        bool first = true;
        for (const auto& item : list) {
            if (!first) out_ << ',';
            first = false;
            put(item);
        }
        out_ << ']';
    }

    void with_tree(std::string object, std::uint32_t tree) {
        object.pop_back();
        out_ << object << ",\"tree\":";
        siblings(tree);
        out_ << '}';
    }

    void siblings(std::uint32_t first) {
        out_ << '[';
        for (std::uint32_t n = first; n != kNoNode; n = trace_.nodes[n].next) {
            if (n != first) out_ << ',';
            std::string object = line(node(trace_.nodes[n]));
            if (trace_.nodes[n].first_child == kNoNode) {
                out_ << object;
                continue;
            }
            object.pop_back();
            out_ << object << ",\"children\":";
            siblings(trace_.nodes[n].first_child);
            out_ << '}';
        }
        out_ << ']';
    }

    [[nodiscard]] Json node(const TraceNode& n) const {
        Json json{{"kind", name_of(n.deed.kind)}, {"what", label_of(n.deed, report_)}};
        if (n.deed.kind == DeedKind::call) {
            const Frame& frame = report_.tables.frames[n.deed.function];
            json["file"] = text(frame.file);
            json["line"] = frame.line;
            json["self_ns"] = n.self.count();
        }
        if (n.deed.kind == DeedKind::io) json["op"] = name_of(static_cast<IoOp>(n.deed.code));
        if (n.deed.kind == DeedKind::thread) return json["thread"] = n.deed.number, json;
        json["count"] = n.count;
        json["at_ns"] = since(n.first);
        json["total_ns"] = n.total.count();
        if (n.count > 1) json["slowest_ns"] = n.slowest.count();
        if (n.failures > 0) json["failures"] = n.failures;
        if (n.cut > 0) json["cut"] = n.cut;
        if (n.bytes > 0) json["bytes"] = n.bytes;
        return json;
    }

    [[nodiscard]] Json setting() const {
        Json json{
            {"target", report_.setting.target},
            {"machine", report_.setting.machine},
            {"start", to_rfc3339(WallTime(trace_.from.time_since_epoch() + report_.setting.wall_offset))},
            {"duration_ns", (trace_.to - trace_.from).count()},
            {"ending", report_.setting.ending},
            {"backend", report_.setting.backends.empty() ? "" : report_.setting.backends.front()},
            {"backends", report_.setting.backends},
            {"events", trace_.events},
            {"events_by_backend", Json::object()}};
        for (std::size_t by = 0; by < trace_.by_backend.size(); ++by)
            if (trace_.by_backend[by] > 0)
                json["events_by_backend"][std::string(name_of(static_cast<Backend>(by)))] =
                    trace_.by_backend[by];
        json["bias_ns"] = bias_of_a_call(trace_).count();
        const Nanos spread = spread_of_a_call(trace_);
        json["error_ns"] = spread.count() > 0 ? Json(spread.count()) : Json();
        return json;
    }

    [[nodiscard]] Json function(const FunctionUse& f) const {
        const Frame& frame = report_.tables.frames[f.function];
        return {{"name", function_name(f.function, report_.tables)},
                {"file", text(frame.file)},
                {"line", frame.line},
                {"module", text(frame.module)},
                {"calls", f.calls},
                {"total_ns", f.total.count()},
                {"self_ns", f.self.count()},
                {"slowest_ns", f.slowest.count()},
                {"raised", f.raised},
                {"cut", f.cut},
                {"told_singly", f.seen},
                {"bias_ns", f.bias.count()},
                {"error_ns", f.spread.count() > 0 ? Json(f.spread.count()) : Json()},
                {"backend", name_of(f.by)}};
    }

    [[nodiscard]] std::string invocation(const TracedInvocation& i) const {
        std::string object = invocation_json(i.record);
        object.pop_back();
        const Json more{{"at_ns", since(i.record.start)}, {"ambiguous", i.ambiguous}, {"merged", i.merged}};
        return object + "," + line(more).substr(1);
    }

    [[nodiscard]] Json process(const TracedProcess& p) const {
        Json json{{"pid", p.id.pid},
                  {"parent_pid", p.parent_pid},
                  {"command", text(p.command)},
                  {"executable", text(p.executable)},
                  {"started_ns", nullptr},
                  {"ended_ns", nullptr}};
        if (p.started) json["started_ns"] = since(*p.started);
        if (!p.ended) return json;
        json["ended_ns"] = since(*p.ended);
        json["exit_code"] = p.exit.exit_code;
        json["signal"] = p.exit.signal;
        return json;
    }

    [[nodiscard]] Json io() const {
        Json json{{"peers", Json::array()},
                  {"files", Json::array()},
                  {"http", Json::array()},
                  {"names", Json::array()}};
        for (const PeerUse& p : trace_.peers) {
            json["peers"].push_back({{"peer", to_string(p.peer)},
                                     {"path", text(p.path)},
                                     {"name", text(p.name)},
                                     {"connects", p.connects},
                                     {"accepts", p.accepts},
                                     {"failures", p.failures},
                                     {"refused", p.refused},
                                     {"reset", p.reset},
                                     {"retransmits", p.retransmits},
                                     {"sends", p.sends},
                                     {"receives", p.receives},
                                     {"bytes_sent", p.bytes_sent},
                                     {"bytes_received", p.bytes_received},
                                     {"wait_ns", p.wait.count()},
                                     {"slowest_ns", p.slowest.count()}});
            if (p.rest > 0) json["peers"].back()["rest"] = p.rest;
        }
        for (const FileUse& f : trace_.files) {
            json["files"].push_back({{"path", text(f.path)},
                                     {"opens", f.opens},
                                     {"reads", f.reads},
                                     {"writes", f.writes},
                                     {"syncs", f.syncs},
                                     {"maps", f.maps},
                                     {"others", f.others},
                                     {"failures", f.failures},
                                     {"bytes_read", f.bytes_read},
                                     {"bytes_written", f.bytes_written},
                                     {"bytes_mapped", f.bytes_mapped},
                                     {"wait_ns", f.wait.count()},
                                     {"slowest_ns", f.slowest.count()}});
            if (f.rest > 0) json["files"].back()["rest"] = f.rest;
        }
        for (const HttpUse& h : trace_.http) {
            json["http"].push_back({{"side", h.side == Side::server ? "server" : "client"},
                                    {"tls", h.tls},
                                    {"method", text(h.method)},
                                    {"host", text(h.host)},
                                    {"path", text(h.path)},
                                    {"count", h.count},
                                    {"failures", h.failures},
                                    {"status",
                                     {{"none", h.by_class[0]},
                                      {"1xx", h.by_class[1]},
                                      {"2xx", h.by_class[2]},
                                      {"3xx", h.by_class[3]},
                                      {"4xx", h.by_class[4]},
                                      {"5xx", h.by_class[5]}}},
                                    {"request_bytes", h.request_bytes},
                                    {"response_bytes", h.response_bytes},
                                    {"latency_ns", h.latency.count()},
                                    {"slowest_ns", h.slowest.count()}});
            if (h.rest > 0) json["http"].back()["rest"] = h.rest;
        }
        for (const NameSeen& n : trace_.names) {
            std::string address = to_string(n.address);
            if (address.ends_with(":0")) address.resize(address.size() - 2);
            json["names"].push_back({{"name", text(n.name)}, {"address", address}});
        }
        return json;
    }

    [[nodiscard]] Json syscall(const SyscallUse& s) const {
        return {{"name", syscall_name(s.number, report_.setting.machine)},
                {"number", s.number},
                {"calls", s.calls},
                {"errors", s.failures},
                {"total_ns", s.latency.count()},
                {"slowest_ns", s.slowest.count()}};
    }

    [[nodiscard]] Json waits() const {
        Json json{{"causes", Json::object()}, {"threads", Json::array()}};
        for (std::size_t cause = 0; cause < kWaitCauseCount; ++cause)
            json["causes"][std::string(to_string(static_cast<WaitCause>(cause)))] = {
                {"count", trace_.waits[cause].count},
                {"total_ns", trace_.waits[cause].duration.count()},
                {"slowest_ns", trace_.waits[cause].slowest.count()}};
        for (const ThreadUse& t : trace_.threads) {
            Json thread{{"pid", t.process.pid},
                        {"thread", static_cast<std::int32_t>(t.thread)},
                        {"wall_ns", t.times.wall.count()},
                        {"on_cpu_ns", t.times.on_cpu.count()},
                        {"off_cpu_ns", Json::object()},
                        {"minor_faults", t.times.minor_faults},
                        {"major_faults", t.times.major_faults}};
            for (std::size_t cause = 0; cause < kWaitCauseCount; ++cause)
                thread["off_cpu_ns"][std::string(to_string(static_cast<WaitCause>(cause)))] =
                    t.times.off_cpu[cause].count();
            json["threads"].push_back(std::move(thread));
        }
        return json;
    }

    [[nodiscard]] Json variable(const VariableRead& v) const {
        return {{"at_ns", since(v.at)},
                {"pid", v.process.pid},
                {"thread", static_cast<std::int32_t>(v.thread)},
                {"expression", text(v.expression)},
                {"value", text(v.value)}};
    }

    [[nodiscard]] Json sums() const {
        Json json{{"variables_read", trace_.variables_read},
                  {"faults", {{"minor", trace_.minor_faults}, {"major", trace_.major_faults}}},
                  {"memory_peak", trace_.memory_peak},
                  {"oom_kills", trace_.oom_kills},
                  {"losses", Json::object()},
                  {"not_decoded", Json::object()},
                  {"folded", trace_.folded},
                  {"late", trace_.late},
                  {"notes", report_.setting.remarks}};
        for (std::size_t kind = 0; kind < kLossKindCount; ++kind)
            json["losses"][std::string(to_string(static_cast<LossKind>(kind)))] = trace_.lost[kind];
        for (const CountedName& what : trace_.not_decoded) json["not_decoded"][text(what.what)] = what.count;
        return json;
    }

    std::ostream& out_;
    const TraceReport& report_;
    const Trace& trace_;
};

}  // namespace

void trace_json(std::ostream& out, const TraceReport& report) {
    Writer(out, report).print();
    out << '\n';
}

}  // namespace autotune::render
