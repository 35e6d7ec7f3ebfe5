#include "exporters/render/trace_summary.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "exporters/render/syscall_names.hpp"
#include "exporters/render/text.hpp"
#include "exporters/render/trace_label.hpp"
#include "exporters/render/trace_tree.hpp"

namespace autotune::render {

namespace {

using Row = std::vector<std::string>;

// Columns as wide as they must be: numbers to the right, the last one, a name, to the left.
class Table {
public:
    Table(std::string title, Row head) : title_(std::move(title)), rows_{std::move(head)} {}
    void add(Row row) { rows_.push_back(std::move(row)); }
    void more(std::size_t count) { more_ = count; }

    void print(std::ostream& out, const Style& style) const {
        if (rows_.size() == 1) return;
        std::vector<std::size_t> width(rows_[0].size());
        for (const Row& row : rows_)
            for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], length_of(row[i]));
        out << '\n' << inked(title_, Ink::strong, style) << '\n';
        for (const Row& row : rows_) {
            std::string line = " ";
            for (std::size_t i = 0; i < row.size(); ++i) {
                const bool last = i + 1 == row.size();
                line += " " + (last ? "" : std::string(width[i] - length_of(row[i]), ' ')) + row[i] +
                        (last ? "" : " ");
            }
            line = fitted(line, style);
            out << (&row == &rows_.front() ? inked(line, Ink::dim, style) : line) << '\n';
        }
        if (more_ > 0) out << "  and " << grouped(more_) << " more\n";
    }

private:
    std::string title_;
    std::vector<Row> rows_;
    std::size_t more_ = 0;
};

std::string blank_zero(std::uint64_t count) { return count == 0 ? "" : grouped(count); }
std::string bytes(std::uint64_t count) { return count == 0 ? "" : human_bytes(static_cast<double>(count)); }

std::string percent(double part, double whole) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f %%", whole > 0 ? 100 * part / whole : 0.0);
    return text;
}

class Summary {
public:
    Summary(std::ostream& out, const TraceReport& report, const TraceTextOptions& options)
        : out_(out), report_(report), trace_(report.trace), options_(options) {}

    void print() {
        functions();
        http();
        peers();
        files();
        syscalls();
        waits();
        variables();
        footer();
    }

private:
    [[nodiscard]] std::string time(Nanos d) const { return short_duration(d, options_.style.marks); }
    [[nodiscard]] std::string text(StringId id) const { return clean_text(report_.tables.strings[id]); }

    // The name of a row for all that found none.
    static std::string others(std::uint64_t count, const char* of_what) {
        return "(others: " + grouped(count) + " " + of_what + ")";
    }

    // The first rows of a list; what is left over is told.
    template <class List, class ToRow>
    void table(std::string title, Row head, const List& list, ToRow to_row) {
        Table table(std::move(title), std::move(head));
        const std::size_t count = std::min(list.size(), options_.rows);
        for (std::size_t i = 0; i < count; ++i) table.add(to_row(list[i]));
        table.more(list.size() - count);
        table.print(out_, options_.style);
    }

    void functions() {
        table("functions, most time of their own first",
              {"self", "total", "calls", "each", "raised", "function"}, trace_.functions,
              [&](const FunctionUse& f) {
                  std::string name = function_name(f.function, report_.tables);
                  const std::string place = place_of(f.function, report_.tables);
                  if (!place.empty()) name += "  " + place;
                  if (f.seen < f.calls) name += "  (" + grouped(f.calls - f.seen) + " counted only)";
                  const Nanos each = f.calls > 0 ? f.total / static_cast<std::int64_t>(f.calls) : Nanos(0);
                  return Row{time(f.self), time(f.total),        grouped(f.calls),
                             time(each),   blank_zero(f.raised), name};
              });
        const Nanos bias = bias_of_a_call(trace_);
        if (bias.count() == 0) return;
        out_ << "  the probes' own time, " << time(bias)
             << " a call and as much for each call beneath, is subtracted; ";
        const Nanos spread = spread_of_a_call(trace_);
        if (spread.count() > 0)
            out_ << "it is known to ±" << time(spread) << " a call, as measured at the start\n";
        else
            out_ << "times are good to about as much\n";
    }

    void http() {
        table("HTTP exchanges, most waited for first",
              {"waited", "slowest", "count", "failed", "sent", "received", "what"}, trace_.http,
              [&](const HttpUse& h) {
                  if (h.rest > 0) return exchanges_row(h, others(h.rest, "exchanges"));
                  std::string what = h.side == Side::server ? "serve " : "";
                  what += text(h.method) + (h.tls ? " https://" : " http://") + text(h.host) + text(h.path);
                  return exchanges_row(h, what);
              });
    }
    [[nodiscard]] Row exchanges_row(const HttpUse& h, const std::string& what) const {
        const bool serves = h.side == Side::server;
        return {time(h.latency),
                time(h.slowest),
                grouped(h.count),
                blank_zero(h.failures),
                bytes(serves ? h.response_bytes : h.request_bytes),
                bytes(serves ? h.request_bytes : h.response_bytes),
                what};
    }

    void peers() {
        table("network, most waited for first",
              {"waited", "slowest", "connects", "accepts", "failed", "sent", "received", "peer"},
              trace_.peers, [&](const PeerUse& p) {
                  std::string name = p.rest > 0 ? others(p.rest, "calls")
                                                : peer_name(p.peer, p.path, p.name, report_.tables);
                  if (p.refused > 0) name += "  " + grouped(p.refused) + " refused";
                  if (p.reset > 0) name += "  " + grouped(p.reset) + " reset";
                  if (p.retransmits > 0) name += "  " + grouped(p.retransmits) + " retransmitted";
                  return Row{time(p.wait),
                             time(p.slowest),
                             blank_zero(p.connects),
                             blank_zero(p.accepts),
                             blank_zero(p.failures),
                             bytes(p.bytes_sent),
                             bytes(p.bytes_received),
                             name};
              });
    }

    void files() {
        table("files, most waited for first",
              {"waited", "slowest", "opens", "failed", "syncs", "read", "written", "mapped", "file"},
              trace_.files, [&](const FileUse& f) {
                  const std::string name = f.rest > 0 ? others(f.rest, "calls") : text(f.path);
                  return Row{
                      time(f.wait),           time(f.slowest),       blank_zero(f.opens),
                      blank_zero(f.failures), blank_zero(f.syncs),   bytes(f.bytes_read),
                      bytes(f.bytes_written), bytes(f.bytes_mapped), name.empty() ? "(unnamed)" : name};
              });
    }

    void syscalls() {
        const Nanos whole = std::accumulate(trace_.syscalls.begin(), trace_.syscalls.end(), Nanos(0),
                                            [](Nanos sum, const SyscallUse& s) { return sum + s.latency; });
        table("system calls", {"time", "share", "each", "slowest", "calls", "errors", "call"},
              trace_.syscalls, [&](const SyscallUse& s) {
                  const bool timed = s.latency.count() > 0;
                  const Nanos each = s.calls > 0 ? s.latency / static_cast<std::int64_t>(s.calls) : Nanos(0);
                  return Row{timed ? time(s.latency) : "",
                             timed ? percent(double(s.latency.count()), double(whole.count())) : "",
                             timed ? time(each) : "",
                             timed ? time(s.slowest) : "",
                             grouped(s.calls),
                             blank_zero(s.failures),
                             syscall_name(s.number, report_.setting.machine)};
              });
    }

    void waits() {
        Row head{"wall", "on CPU"};
        for (std::size_t cause = 1; cause < kWaitCauseCount; ++cause)
            head.emplace_back(to_string(static_cast<WaitCause>(cause)));
        head.emplace_back("other");
        head.emplace_back("thread");
        for (std::string& name : head) std::replace(name.begin(), name.end(), '_', ' ');
        table("where the time of each thread went", head, trace_.threads, [&](const ThreadUse& t) {
            const auto or_blank = [&](Nanos d) { return d.count() == 0 ? std::string() : time(d); };
            Row row{time(t.times.wall), time(t.times.on_cpu)};
            for (std::size_t cause = 1; cause < kWaitCauseCount; ++cause)
                row.push_back(or_blank(t.times.off_cpu[cause]));
            row.push_back(or_blank(t.times.off_cpu[0]));
            row.push_back(std::to_string(static_cast<std::int32_t>(t.thread)) + " of " +
                          process_name(t.process));
            return row;
        });
        std::vector<std::pair<WaitCause, WaitTotals>> causes;
        for (std::size_t cause = 0; cause < kWaitCauseCount; ++cause)
            if (trace_.waits[cause].count > 0)
                causes.emplace_back(static_cast<WaitCause>(cause), trace_.waits[cause]);
        std::ranges::stable_sort(causes, std::greater(), [](const auto& entry) { return entry.second.duration; });
        table("waits, longest first", {"waited", "slowest", "count", "cause"}, causes, [&](const auto& entry) {
            const auto& [cause, total] = entry;
            return Row{time(total.duration), time(total.slowest), grouped(total.count),
                       std::string(to_string(cause))};
        });
    }

    [[nodiscard]] std::string process_name(const ProcessId& id) const {
        for (const TracedProcess& p : trace_.processes)
            if (p.id.pid == id.pid && p.command != StringId{}) return text(p.command);
        return "process " + std::to_string(id.pid);
    }

    void variables() {
        Table table("variables", {"at", "value"});
        const std::size_t first =
            trace_.variables.size() > options_.rows ? trace_.variables.size() - options_.rows : 0;
        for (std::size_t i = first; i < trace_.variables.size(); ++i) {
            const VariableRead& v = trace_.variables[i];
            table.add({time(v.at - trace_.from), text(v.expression) + " = " + text(v.value)});
        }
        table.more(trace_.variables_read - (trace_.variables.size() - first));
        table.print(out_, options_.style);
    }

    void fact(const std::string& line) {
        if (!footer_begun_) out_ << '\n';
        footer_begun_ = true;
        out_ << line << '\n';
    }

    void footer() {
        if (trace_.minor_faults + trace_.major_faults > 0)
            fact("page faults: " + grouped(trace_.minor_faults) + " minor, " + grouped(trace_.major_faults) +
                 " from disk");
        if (trace_.memory_peak > 0) fact("memory of the cgroup, most: " + bytes(trace_.memory_peak));
        if (trace_.oom_kills > 0) fact("killed for lack of memory: " + grouped(trace_.oom_kills));
        for (const CountedName& what : trace_.not_decoded)
            fact("not looked into: " + grouped(what.count) + " of " + text(what.what));
        if (trace_.folded > 0)
            fact("folded together to bound memory: " + grouped(trace_.folded) + " deeds; all sums are exact");
        if (trace_.late > 0) fact("came too late to be put in order: " + grouped(trace_.late) + " events");
        losses();
        for (const std::string& remark : report_.setting.remarks) fact("note: " + clean_text(remark));
    }

    void losses() {
        std::string list;
        for (std::size_t kind = 0; kind < kLossKindCount; ++kind) {
            if (trace_.lost[kind] == 0) continue;
            std::string name(to_string(static_cast<LossKind>(kind)));
            std::replace(name.begin(), name.end(), '_', ' ');
            list += (list.empty() ? "" : ", ") + grouped(trace_.lost[kind]) + " " + name;
        }
        if (list.empty())
            fact("lost: nothing");
        else
            fact(inked("lost: " + list, Ink::bad, options_.style));
    }

    std::ostream& out_;
    const TraceReport& report_;
    const Trace& trace_;
    const TraceTextOptions& options_;
    bool footer_begun_ = false;
};

}  // namespace

void trace_summary(std::ostream& out, const TraceReport& report, const TraceTextOptions& options) {
    Summary(out, report, options).print();
}

}  // namespace autotune::render
