#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include "exporters/render/text.hpp"
#include "exporters/render/trace_label.hpp"
#include "exporters/render/trace_report.hpp"
#include "exporters/render/trace_summary.hpp"
#include "exporters/render/trace_tree.hpp"

namespace autotune::render {

namespace {

constexpr std::size_t kProcesses = 20;  // with their trees; the others are counted

std::string joined(const std::vector<std::string>& parts, const std::string& between) {
    std::string all;
    for (const std::string& part : parts)
        if (!part.empty()) all += (all.empty() ? "" : between) + part;
    return all;
}

class Text {
public:
    Text(std::ostream& out, const TraceReport& report, const TraceTextOptions& options)
        : out_(out),
          report_(report),
          options_(options),
          dot_(options.style.marks == Marks::unicode ? " · " : ", ") {}

    void print() {
        const Trace& trace = report_.trace;
        heading(joined({clean_text(report_.setting.target), time(trace.to - trace.from),
                        joined(report_.setting.backends, "+"), grouped(trace.events) + " events",
                        clean_text(report_.setting.ending)},
                       dot_));
        invocations();
        processes();
        trace_summary(out_, report_, options_);
    }

private:
    [[nodiscard]] std::string time(Nanos d) const { return short_duration(d, options_.style.marks); }
    void heading(const std::string& text) {
        out_ << inked(fitted(text, options_.style), Ink::strong, options_.style) << '\n';
    }

    void invocations() {
        std::vector<const TracedInvocation*> slowest;
        for (const TracedInvocation& i : report_.trace.invocations) slowest.push_back(&i);
        std::stable_sort(slowest.begin(), slowest.end(),
                         [](auto* a, auto* b) { return a->record.duration > b->record.duration; });
        if (slowest.size() > options_.invocations) slowest.resize(options_.invocations);
        std::uint64_t shown = 0, all = 0;
        for (const TracedInvocation& i : report_.trace.invocations) {
            all += i.merged;
            if (std::find(slowest.begin(), slowest.end(), &i) == slowest.end()) continue;
            shown += i.merged;
            out_ << '\n';
            heading(headline(i));
            trace_tree(out_, report_, i.tree, options_.style);
        }
        if (shown < all)
            out_ << "\n"
                 << grouped(all - shown) << " more invocations, none of them slower; --json has them\n";
    }

    [[nodiscard]] std::string headline(const TracedInvocation& i) const {
        const Invocation& r = i.record;
        const std::string function = r.function.name.empty() ? "process " + std::to_string(r.process.pid)
                                                             : clean_text(r.function.name);
        if (i.merged > 1) return function + ": " + grouped(i.merged) + " more invocations, together";
        return joined(
            {function + " " + clean_text(r.id.view()), std::string(to_string(r.status)), time(r.duration),
             r.held ? "held for a debugger" : "",
             r.cold ? "cold" + (r.init.count() > 0 ? " (init " + time(r.init) + ")" : "") : "",
             r.cpu.count() > 0 ? "CPU " + time(r.cpu) : "",
             r.memory_peak > 0 ? human_bytes(static_cast<double>(r.memory_peak)) : "",
             r.trace_id.empty() ? "" : "trace " + clean_text(r.trace_id),
             i.ambiguous > 0 ? grouped(i.ambiguous) + " deeds ambiguous" : "",
             r.events_lost > 0 ? grouped(r.events_lost) + " events lost" : ""},
            dot_);
    }

    void processes() {
        std::vector<const TracedProcess*> list;
        for (const TracedProcess& p : report_.trace.processes)
            if (p.tree != kNoNode) list.push_back(&p);
        std::size_t left = kProcesses;
        for (const TracedProcess* p : list) {
            if (left-- == 0) {
                out_ << "\nand " << grouped(list.size() - kProcesses) << " more processes\n";
                return;
            }
            out_ << '\n';
            heading(headline(*p));
            trace_tree(out_, report_, p->tree, options_.style);
        }
    }

    [[nodiscard]] std::string headline(const TracedProcess& p) const {
        if (p.id.pid == 0) return "all other processes";
        const std::string command = clean_text(report_.tables.strings[p.command]);
        std::string end;
        if (p.ended && p.exit.signal != 0) end = "killed by signal " + std::to_string(p.exit.signal);
        if (p.ended && p.exit.signal == 0) end = "exited with status " + std::to_string(p.exit.exit_code);
        return joined({"process " + std::to_string(p.id.pid) + (command.empty() ? "" : " " + command),
                       p.started && p.ended ? time(*p.ended - *p.started) : "", end},
                      dot_);
    }

    std::ostream& out_;
    const TraceReport& report_;
    const TraceTextOptions& options_;
    std::string dot_;
};

}  // namespace

void trace_text(std::ostream& out, const TraceReport& report, const TraceTextOptions& options) {
    Text(out, report, options).print();
}

}  // namespace autotune::render
