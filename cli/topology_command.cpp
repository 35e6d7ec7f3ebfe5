// autotune topology: which service needs which.
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/topology/critical_path.hpp"
#include "analyzer/topology/requests/owner_resolver.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/text_output.hpp"
#include "cli/text_pieces.hpp"
#include "cli/topology_arguments.hpp"
#include "cli/topology_flows.hpp"
#include "cli/topology_owner.hpp"
#include "cli/topology_requests.hpp"
#include "cli/topology_state.hpp"
#include "cli/topology_workflow.hpp"
#include "cli/traced_command.hpp"
#include "exporters/render/critical_path.hpp"
#include "exporters/render/dependencies.hpp"
#include "exporters/render/owner_graph.hpp"
#include "exporters/render/workflow.hpp"

namespace autotune::cli {

namespace {

using Arguments = TopologyArguments;
using Format = TopologyFormat;

int failed_with(const std::string& message, int status) {
    std::fprintf(stderr, "autotune topology: %s\n", message.c_str());
    return status;
}

std::string drawn(const DependencyGraph& graph, Format format, const std::string& title) {
    switch (format) {
        case Format::text: return render::dependencies_text(graph);
        case Format::jsonl:
        case Format::json: return render::dependencies_json(graph) + "\n";
        case Format::dot: return render::dependencies_dot(graph);
        case Format::mermaid: return render::dependencies_mermaid(graph);
        case Format::html: return render::dependencies_html(graph, title);
    }
    return {};
}

std::string drawn(const OwnerGraph& graph, Format format, const std::string& title) {
    switch (format) {
        case Format::text: return render::owner_text(graph);
        case Format::jsonl:
        case Format::json: return render::owner_json(graph) + "\n";
        case Format::dot: return render::owner_dot(graph);
        case Format::mermaid: return render::owner_mermaid(graph);
        case Format::html: return render::owner_html(graph, analysis::request_paths(graph), title);
    }
    return {};
}

std::string drawn(const CriticalPaths& paths, Format format) {
    return format == Format::json ? render::critical_paths_json(paths) + "\n" : render::critical_paths_text(paths);
}

bool to_standard_output(const Arguments& arguments) { return arguments.out.empty() || arguments.out == "-"; }

int write(const Arguments& arguments, const std::string& text) {
    const Status written = write_text(arguments.out, text);
    return written ? kDone : failed_with(written.error().message, kFailed);
}

// Critical paths are figures, not a graph.
std::optional<int> refuse_paths(const Arguments& arguments, Format format) {
    if (!arguments.critical_path || format == Format::text || format == Format::json) return std::nullopt;
    return failed_with("--critical-path is text or json", kUsage);
}

// Live, or from a recording. A command's own status is ours, unless we failed.
int run_owner(Arguments& arguments) {
    const bool has_command = !arguments.owner.command.empty();
    const int ours_failed = has_command ? kOursFailed : kFailed;
    const int targets = (has_command ? 1 : 0) + (arguments.owner.pids.empty() ? 0 : 1) + (arguments.owner.recording.empty() ? 0 : 1);
    if (targets > 1) return failed_with("one of -p PID, --from RECORDING and a command can be watched", kUsage);
    const auto format = format_of(arguments);
    if (!format) return failed_with(format.error().message, kUsage);
    if (*format == Format::jsonl)
        return failed_with("a line a call is what --method requests finds; owner tells text, json, dot, mermaid or html", kUsage);
    if (const auto refused = refuse_paths(arguments, *format)) return *refused;
    if (has_command && *format != Format::text && to_standard_output(arguments))
        return failed_with("standard output is the command's: say -o FILE for the graph", kUsage);
    if (arguments.seconds > 0) arguments.owner.duration = Nanos(static_cast<std::int64_t>(arguments.seconds * 1e9));
    if (!arguments.no_patterns) arguments.owner.resolver = analysis::guess_by_pattern;
    const auto outcome = watch_owners(arguments.owner);
    if (!outcome) {
        const Error& error = outcome.error();
        if (has_command && (error.code == Errc::not_found || error.code == Errc::permission_denied))
            return failed_with(error.message, status_of_refusal(error));
        return failed_with(error.message, error.code == Errc::corrupt || error.code == Errc::not_found ? kUsage : ours_failed);
    }
    for (const std::string& remark : outcome->remarks)
        std::fprintf(stderr, "autotune topology: %s\n", remark.c_str());
    const std::string text = arguments.critical_path ? drawn(analysis::critical_paths(analysis::path_forest(outcome->graph)), *format)
                                                     : drawn(outcome->graph, *format, "who calls whom");
    if (has_command && to_standard_output(arguments)) {
        std::fputs(text.c_str(), stderr);
        return outcome->status;
    }
    const int written = write(arguments, text);
    if (written != kDone) return has_command ? kOursFailed : written;
    return has_command ? outcome->status : kDone;
}

int failed_with(const Error& error) {
    return failed_with(error.message,
                       error.code == Errc::invalid_argument || error.code == Errc::corrupt ? kUsage : kFailed);
}

// As the running agent has it.
int run_state(const Arguments& arguments) {
    const auto format = format_of(arguments);
    if (!format) return failed_with(format.error().message, kUsage);
    if (*format == Format::jsonl)
        return failed_with("a line a call is what --method requests finds; the agent's record is text, json, dot, mermaid or html", kUsage);
    if (*format == Format::html) {
        const auto page = page_on_record(arguments.state);
        return page ? write(arguments, *page) : failed_with(page.error());
    }
    const auto graph = edges_on_record(arguments.state);
    if (!graph) return failed_with(graph.error());
    if (*format == Format::json) return write(arguments, render::owner_edges_json(*graph) + "\n");
    return write(arguments, drawn(*graph, *format, {}));
}

int run_requests(const Arguments& arguments, Format format) {
    if (const auto refused = refuse_paths(arguments, format)) return *refused;
    RequestsOptions options{.calls = arguments.calls, .window = arguments.window, .paths = arguments.critical_path, .lines = ""};
    if (format == Format::jsonl) options.lines = to_standard_output(arguments) ? "-" : arguments.out;
    const auto requests = reconstruct_requests(options);
    if (!requests) return failed_with(requests.error());
    std::fprintf(stderr, "autotune topology: %s\n", requests->told.c_str());
    if (format == Format::jsonl) return kDone;
    if (arguments.critical_path) return write(arguments, drawn(requests->paths, format));
    return write(arguments, drawn(requests->graph, format, "requests in " + shown_path(arguments.calls)));
}

std::string drawn(const std::vector<Workflow>& workflows, Format format) {
    switch (format) {
        case Format::text: return render::workflows_text(workflows);
        case Format::json: return render::workflows_json(workflows) + "\n";
        case Format::dot: return render::drawing_dot(render::workflow_drawing(workflows));
        case Format::mermaid: return render::drawing_mermaid(render::workflow_drawing(workflows));
        case Format::html: return render::drawing_html(render::workflow_drawing(workflows));
        case Format::jsonl: break;  // refused before
    }
    return {};
}

int run_workflow(const Arguments& arguments) {
    const auto format = format_of(arguments);
    if (!format) return failed_with(format.error().message, kUsage);
    if (*format == Format::jsonl)
        return failed_with("a line a call is what --method requests finds; workflows are text, json, dot, mermaid or html", kUsage);
    const auto workflows = read_workflows(arguments.workflow, arguments.given);
    if (workflows) return write(arguments, drawn(*workflows, *format));
    if (workflows.error().message.empty()) return kUsage;  // what is wrong is told already
    return failed_with(workflows.error().message,
                       workflows.error().code == Errc::invalid_argument ? kUsage : kFailed);
}

bool of_flows(const Arguments& a) { return !a.flows.empty() || !a.pcap.empty() || !a.sockets.empty(); }

int run(Arguments& arguments) {
    if (arguments.critical_path && (!arguments.workflow.empty() || of_flows(arguments) || arguments.method == "nsdminer"))
        return failed_with("--critical-path is of requests: of those that are watched or recorded, or of --calls with --method requests",
                           kUsage);
    if (!arguments.workflow.empty() && arguments.state.empty()) return run_workflow(arguments);
    const bool has_table = of_flows(arguments) || !arguments.calls.empty();
    if (arguments.method == "owner" && has_table)
        return failed_with("--method owner watches who calls whom: it reads no --flows, --pcap, --ss or --calls", kUsage);
    const bool names_target = !arguments.owner.pids.empty() || !arguments.owner.command.empty() ||
                              !arguments.owner.recording.empty() || arguments.seconds > 0;
    if (!arguments.state.empty()) {
        if (names_target || has_table || !arguments.workflow.empty() || (!arguments.method.empty() && arguments.method != "owner"))
            return failed_with("--state is what the running agent found by owners: nothing else is watched or read", kUsage);
        if (arguments.critical_path)
            return failed_with("the agent keeps sums of calls: --critical-path needs single ones (--from, --for, --calls)", kUsage);
        return run_state(arguments);
    }
    if (names_target && (has_table || (!arguments.method.empty() && arguments.method != "owner")))
        return failed_with("-p, --for, --from and a command go with --method owner, not with a table", kUsage);
    if (!has_table && (arguments.method.empty() || arguments.method == "owner")) return run_owner(arguments);
    if (!has_table)
        return failed_with("one of --flows, --pcap, --ss and --calls FILE is needed; see autotune topology --help", kUsage);
    if (arguments.method.empty()) arguments.method = arguments.calls.empty() ? "nsdminer" : "requests";
    const auto format = format_of(arguments);
    if (!format) return failed_with(format.error().message, kUsage);
    if (arguments.method == "requests") {
        if (arguments.calls.empty()) return failed_with("--method requests needs --calls FILE", kUsage);
        return run_requests(arguments, *format);
    }
    if (*format == Format::jsonl)
        return failed_with("a line a call is what --method requests finds; nsdminer tells text, json, dot, mermaid or html",
                           kUsage);
    if (!arguments.pcap.empty())
        arguments.flow.input = FlowInput::capture, arguments.flow.path = arguments.pcap;
    else if (!arguments.sockets.empty())
        arguments.flow.input = FlowInput::sockets, arguments.flow.path = arguments.sockets;
    else
        arguments.flow.path = arguments.flows.empty() ? arguments.calls : arguments.flows;
    const auto mined = mine_flows(arguments.flow);
    if (!mined) return failed_with(mined.error());
    std::fprintf(stderr, "autotune topology: %s\n", mined->told.c_str());
    return write(arguments, drawn(mined->graph, *format,
                                  "dependencies in " + shown_path(arguments.flow.path)));
}

}  // namespace

int topology_command(int argc, char** argv) {
    TopologyArguments arguments;
    if (const auto over = read_topology_arguments(arguments, argc, argv)) return *over;
    return run(arguments);
}

}  // namespace autotune::cli
