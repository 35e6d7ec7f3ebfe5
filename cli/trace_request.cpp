#include "cli/trace_request.hpp"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <map>
#include <string_view>

#include "agent/native/native_target.hpp"
#include "cli/arguments.hpp"
#include "cli/call_graph_file.hpp"
#include "cli/exit_status.hpp"

namespace autotune::cli {
namespace {

constexpr const char* kExamples =
    "Without a process or a command: every function executor of this machine, a tree per invocation.\n"
    "With a command its output passes through and its exit status is returned (125: autotune failed,\n"
    "126: it cannot be executed, 127: there is no such command).\n"
    "Ctrl-C leaves a complete report.\n\n"
    "examples:\n"
    "  autotune trace -- python3 app.py\n"
    "  autotune trace --syscalls counted -- git status\n"
    "  sudo autotune trace -p 4242 --duration 10 -o report.json\n"
    "  autotune trace --function 'handler.*' -- python3 handler.py\n"
    "  autotune trace --watch 'handler.py:42 len(items)' -- python3 handler.py\n"
    "  sudo autotune trace --function './app:handle_*' --watch './app:src/app.c:42 int queued' -- ./app\n"
    "  sudo autotune trace --invocations 5\n"
    "  autotune trace --break hello --break-for 30m     # hold hello's next invocation on autotune host for gdb or pdb\n"
    "  autotune trace --record run.autotune.gz -- ./job; autotune trace --from run.autotune.gz --chrome "
    "run.json\n"
    "  autotune trace --call-graph calls.graph.html -- python3 app.py";

bool ends_with_any(const std::string& name, std::initializer_list<std::string_view> ends) {
    for (const std::string_view end : ends)
        if (name.ends_with(end)) return true;
    return false;
}

// What does not go together, in one line; empty when all is well.
std::string contradiction(const TraceRequest& r) {
    const bool live = !r.pids.empty() || !r.command.empty();
    const bool traces = live || !r.recording.empty() || !r.functions.empty() || !r.watches.empty() ||
                        !r.native_watches.empty() || r.duration || r.invocations > 0 || !r.record.empty() ||
                        !r.chrome.empty() || !r.call_graph.empty() || !r.output.empty();
    if (!r.hold.function.empty() && traces) return "--break holds an invocation and traces nothing";
    if (!r.pids.empty() && !r.command.empty()) return "-p and a command do not go together";
    if (!r.recording.empty() && (live || !r.functions.empty() || r.duration || !r.record.empty()))
        return "--from reads a recording: there is nothing else to trace";
    if ((!r.watches.empty() || !r.native_watches.empty()) && !live) return "--watch needs a process (-p PID) or a command (-- CMD)";
    return {};
}

int wrong_usage(const std::string& how) {
    std::fprintf(stderr, "autotune trace: %s; see autotune trace --help\n", how.c_str());
    return kUsage;
}

// BIN:NAME or BIN:FILE:LINE, where a Python program has FILE:LINE.
bool is_native_watch(std::string_view text) {
    const std::string_view place = text.substr(0, text.find(' '));
    const auto last = place.rfind(':');
    if (last == std::string_view::npos) return false;
    return place.find(':') != last || place.find_first_not_of("0123456789", last + 1) != std::string_view::npos;
}

}  // namespace

std::optional<int> read_trace_request(int argc, char** argv, TraceRequest& request) {
    CLI::App app("Traces every call, byte and wait, per invocation or process.");
    app.name(argc > 0 ? argv[0] : "autotune trace");
    app.footer(kExamples);
    std::string syscalls = "none", backend = "auto";
    double seconds = 0;
    app.add_option("-p,--pid", request.pids, "trace this process and all that it starts")
        ->check(above_zero);
    app.add_option("--function", request.functions,
                   "tell calls of this function only: module.name; of native ones BIN:NAME, BIN:NAME(arg1, "
                   "str arg2) or BIN:FILE:LINE; with * for anything; may be repeated");
    std::vector<std::string> watches;
    app.add_option(
        "--watch", watches,
        "an expression to evaluate whenever a Python program comes to that line: 'handler.py:42 len(items)'; "
        "native arguments and globals: 'BIN:NAME arg1, TYPE NAME', 'BIN:FILE:LINE NAME'; may be repeated");
    app.add_option("--backend", backend, "how: auto, bpf, ptrace (needs no root), runtime (calls only)")
        ->check(CLI::IsMember({"auto", "bpf", "ptrace", "runtime"}))
        ->capture_default_str();
    app.add_option("--syscalls", syscalls, "system calls: none, count, each")
        ->check(CLI::IsMember({"none", "count", "counted", "each"}))
        ->capture_default_str();
    app.add_option("--duration", seconds, "stop after so many seconds")->check(above_zero);
    app.add_option("--invocations", request.invocations, "stop after so many invocations")
        ->check(above_zero);
    app.add_option("--break", request.hold.function,
                   "hold the next invocation of this function of autotune host for a debugger, its deadline "
                   "stopped; others go on");
    double break_seconds = 600;
    const auto* break_for =
        app.add_option("--break-for", break_seconds, "hold it so long at most, then it goes on: 90s, 10m, 1h")
            ->transform(CLI::AsNumberWithUnit(
                std::map<std::string, double>{{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}}))
            ->check(CLI::Range(0.001, 86400.0))
            ->default_str("10m");
    app.add_option("--endpoint", request.hold.endpoint,
                   "of the host, for --break; else AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL, "
                   "http://127.0.0.1:9000");
    app.add_option("--from", request.recording, "report on a recording, or on a log of Snafu's, instead");
    app.add_option("-o,--output", request.output,
                   "file of the report; .json implies --json, .autotune and .autotune.gz make a recording; of all files - is "
                   "standard output");
    app.add_flag("--json", request.json, "one JSON object instead of text");
    app.add_option("--record", request.record, "file of a recording, .gz compresses it");
    app.add_option("--chrome", request.chrome, "file in Chrome's trace event format, for ui.perfetto.dev");
    app.add_option("--call-graph", request.call_graph,
                   "file of who calls whom, with calls, self and total time: .dot, .mmd, .graph.html or .graph.json");
    app.add_option("COMMAND", request.command, "after --: a program to start and trace, with its arguments");
    app.positionals_at_end();
    if (const auto over = read_arguments(app, argc, argv)) return over;
    for (const std::string& text : request.functions) {
        const auto target = native::parse_native_target(text);
        if (!is_native(text) || target) continue;
        std::fprintf(stderr, "autotune trace: --function: %s\n", target.error().message.c_str());
        return kUsage;
    }
    for (const std::string& text : watches) {
        if (is_native_watch(text)) {
            if (const auto target = native::parse_native_watch(text); !target) {
                std::fprintf(stderr, "autotune trace: --watch: %s\n", target.error().message.c_str());
                return kUsage;
            }
            request.native_watches.push_back(text);
            continue;
        }
        auto watch = runtime::parse_python_watch(text);
        if (!watch) {
            std::fprintf(stderr, "autotune trace: --watch: %s\n", watch.error().message.c_str());
            return kUsage;
        }
        request.watches.push_back(*std::move(watch));
    }
    if (app.count("--break") > 0 && request.hold.function.empty()) return wrong_usage("--break wants a function");
    if (request.hold.function.empty() && (break_for->count() > 0 || !request.hold.endpoint.empty()))
        return wrong_usage("--break-for and --endpoint go with --break FUNCTION");
    if (!request.call_graph.empty() && !call_graph_format(request.call_graph.string()))
        return wrong_usage("--call-graph writes " + std::string(kCallGraphEndings) + ", by the end of the file's name");
    if (const std::string wrong = contradiction(request); !wrong.empty()) {
        return wrong_usage(wrong);
    }
    static const std::map<std::string, BackendWish> kBackends{{"auto", BackendWish::any},
                                                              {"bpf", BackendWish::bpf},
                                                              {"ptrace", BackendWish::ptrace},
                                                              {"runtime", BackendWish::runtime}};
    request.backend = kBackends.at(backend);
    request.syscalls = syscalls == "none"   ? SyscallDetail::none
                       : syscalls == "each" ? SyscallDetail::each
                                            : SyscallDetail::counted;
    if (app.count("--duration") > 0) request.duration = Nanos(std::llround(seconds * 1e9));
    const std::string name = request.output.filename().string();
    if (ends_with_any(name, {".autotune", ".autotune.gz"}))
        request.record = std::exchange(request.output, {});
    if (ends_with_any(name, {".json"})) request.json = true;
    request.hold.json = request.json;
    request.hold.longest = Nanos(std::llround(break_seconds * 1e9));
    return std::nullopt;
}

}  // namespace autotune::cli
