#include "agent/doctor/verdict.hpp"

#include <algorithm>
#include <string_view>

namespace autotune::doctor {

namespace {

// A check that was not made is no obstacle.
bool is_missing(const Diagnosis& d, std::string_view name) {
    const auto found = std::ranges::find(d.checks, name, &Check::name);
    return found != d.checks.end() && found->health == Health::missing;
}
bool is_ok(const Diagnosis& d, std::string_view name) {
    const auto found = std::ranges::find(d.checks, name, &Check::name);
    return found == d.checks.end() || found->health == Health::ok;
}

}  // namespace

void conclude(Diagnosis& d) {
    const bool bpf = std::ranges::none_of(
        d.checks, [](const Check& c) { return c.required && c.health == Health::missing; });
    const bool ptrace = !is_missing(d, "ptrace");
    d.backend = bpf ? "bpf" : ptrace ? "ptrace" : "runtime";
    const auto tell = [&](bool given, const char* what) { (given ? d.works : d.lacking).emplace_back(what); };
    tell(bpf, "processes, invocations, socket and file I/O of every traced function, with no SDK");
    if (!bpf)
        tell(ptrace, "processes, invocations, files, network, CPU time and memory of programs that are started with "
                     "`autotune trace -- CMD`");
    if (!bpf) tell(!is_missing(d, "ptrace-attach"), "the same of processes that run already, by -p PID");
    tell(bpf && is_ok(d, "oom-tracepoint"), "out-of-memory kills, seen as they happen");
    tell(bpf && is_ok(d, "perf-clock") && is_ok(d, "perf-program"),
         "flame graphs from samples, Python included");
    tell(bpf && is_ok(d, "uprobes"), "probes on single functions");
    tell(is_ok(d, "sandboxes"), "the embedded host with real limits");
    d.works.emplace_back("checking rules, metrics, history: these need nothing of the kernel");
}

}  // namespace autotune::doctor
