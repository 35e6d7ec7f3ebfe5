#include "cli/topology_arguments.hpp"

#include <CLI/CLI.hpp>
#include <map>
#include <string_view>
#include <utility>

#include "cli/arguments.hpp"

namespace autotune::cli {

namespace {

const std::map<std::string, TopologyFormat> kFormats{
    {"text", TopologyFormat::text}, {"json", TopologyFormat::json},       {"jsonl", TopologyFormat::jsonl},
    {"dot", TopologyFormat::dot},   {"mermaid", TopologyFormat::mermaid}, {"html", TopologyFormat::html}};
const std::map<std::string, analysis::Ranking> kRankings{{"ratio", analysis::Ranking::ratio},
                                                         {"logarithm", analysis::Ranking::logarithm}};

}  // namespace

Result<TopologyFormat> format_of(const TopologyArguments& arguments) {
    if (!arguments.format.empty()) return kFormats.at(arguments.format);
    if (arguments.json) return TopologyFormat::json;
    if (arguments.out.empty() || arguments.out == "-") return TopologyFormat::text;
    constexpr std::pair<std::string_view, TopologyFormat> kEndings[] = {{".json", TopologyFormat::json},
                                                                {".jsonl", TopologyFormat::jsonl},
                                                                {".dot", TopologyFormat::dot},
                                                                {".mmd", TopologyFormat::mermaid},
                                                                {".html", TopologyFormat::html},
                                                                {".txt", TopologyFormat::text}};
    for (const auto& [ending, format] : kEndings)
        if (std::string_view(arguments.out).ends_with(ending)) return format;
    return fail(Errc::invalid_argument,
                "cannot tell the format of \"" + arguments.out +
                    "\" by its end: .json, .jsonl, .dot, .mmd, .html and .txt are known; or say --format");
}

std::optional<int> read_topology_arguments(TopologyArguments& arguments, int argc, char** argv) {
    CLI::App app("Tells who calls whom: live by the owners of both ends of each connection, or from tables", argv[0]);
    app.footer(
        "examples:\n"
        "  sudo autotune topology --for 60s -o graph.html     # everything that runs here, for a minute\n"
        "  sudo autotune topology -p 4242 --format json       # a process and all it starts, until Ctrl-C\n"
        "  autotune topology -o graph.html -- ./run-tests     # a program; its status is returned\n"
        "  autotune topology --from run.autotune.gz           # of a recording of autotune trace\n"
        "  autotune topology --state /var/lib/autotune        # what the running agent has seen in its last hour\n"
        "  autotune topology --flows flows.csv.gz\n"
        "  autotune topology --flows flows.csv --ranking ratio --alpha 50 --clusters 3 -o graph.html\n"
        "  sudo timeout 60 tcpdump -i any -s 96 -w - | autotune topology --pcap -\n"
        "  for i in $(seq 300); do date +%s.%N; ss -tan; sleep 0.2; done | autotune topology --ss -\n"
        "  autotune topology --calls calls.csv.gz --method nsdminer --format mermaid\n"
        "  autotune topology --calls calls.csv.gz --method requests --format jsonl > parents.jsonl\n"
        "  autotune topology --calls calls.csv.gz --critical-path              # where the time goes, what 10 % would save\n"
        "  autotune topology --workflow orders.asl.json --given 'Paid?>Ship=0.9' -o orders.html\n\n"
        "A table of flows names its columns in its first line: start, end (seconds; or start_us, …), src, "
        "dst, and dst_port\n"
        "and proto where there are. A table of calls: caller, callee, callee_start_us, callee_end_us; for requests also id,\n"
        "and where there are operation, caller_start_us, caller_end_us. --format jsonl prints a line for every call,\n"
        "{\"id\",\"parent\",\"confidence\"}, a root with \"parent\":null.");
    std::string ranking = "logarithm";
    std::vector<double> inference;
    auto* flows =
        app.add_option("--flows", arguments.flows, "CSV of flows, plain or .gz; - is standard input");
    auto* pcap = app.add_option("--pcap", arguments.pcap, "flows of a packet capture, pcap or pcapng, as tcpdump -w writes it; - is standard input")
                     ->excludes(flows);
    auto* sockets = app.add_option("--ss", arguments.sockets,
                                   "flows of what ss listed again and again, each list after a line with its time in seconds")
                        ->excludes(flows)
                        ->excludes(pcap);
    app.add_option("--calls", arguments.calls, "CSV of calls between services, plain or .gz")
        ->excludes(flows)
        ->excludes(pcap)
        ->excludes(sockets);
    app.add_option("--workflow", arguments.workflow,
                   "a state machine in Amazon States Language, or an OpenWhisk sequence")
        ->excludes(flows)
        ->excludes(pcap)
        ->excludes(sockets);
    app.add_option("--given", arguments.given,
                   "CHOICE>NEXT=PROBABILITY or MAP=ITEMS: what no workflow says of itself");
    app.add_option("--method", arguments.method,
                   "owner: live, by who owns both ends of a connection (the default without a table); nsdminer: Peddycord's "
                   "algorithm, from flows alone; requests: which call was made while serving which (of --calls, the default "
                   "there)")
        ->check(CLI::IsMember({"owner", "nsdminer", "requests"}));
    app.add_option("-p,--pid", arguments.owner.pids, "owner: watch this process and all it starts; may be repeated")
        ->check(above_zero);
    app.add_option("--for", arguments.seconds, "owner: watch so long, then end with the graph: 500ms, 60s, 10m; else until Ctrl-C")
        ->transform(CLI::AsNumberWithUnit(
            std::map<std::string, double>{{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}}))
        ->check(CLI::Range(0.001, 86'400.0));
    app.add_option("--from", arguments.owner.recording, "owner: of a recording of autotune trace instead");
    app.add_option("--state", arguments.state, "owner: of the running agent's state folder instead, its last hour")->excludes(flows);
    app.add_flag("--no-patterns", arguments.no_patterns,
                 "owner: leave calls ambiguous that neither thread nor trace id tells; else reconstruction decides, marked so");
    app.add_flag("--critical-path", arguments.critical_path,
                 "instead of the graph: where the time of requests goes that nothing else goes on beside, by service, and what a "
                 "service that is 10 % faster would save; text or json");
    app.add_option("COMMAND", arguments.owner.command, "owner, after --: a program to start and watch, with its arguments");
    app.positionals_at_end();
    app.add_flag("--exclusive", arguments.flow.exclusive,
                 "drop a flow that lies within several; else they share it");
    app.add_option("--ranking", ranking, "of candidates: ratio or logarithm of their weights")
        ->check(CLI::IsMember(kRankings))
        ->capture_default_str();
    app.add_option("--alpha", arguments.flow.dependencies.alpha, "what ranks below, of 100, is not told")
        ->capture_default_str();
    app.add_option("--least-flows", arguments.flow.dependencies.least_flows, "services with fewer are not judged")
        ->capture_default_str();
    app.add_option(
           "--infer", inference,
           "SIMILARITY AGREEMENT, 0 to 1: services alike are given what more than so many of them need")
        ->expected(2)
        ->check(CLI::Range(0.0, 1.0));
    app.add_option("--clusters", arguments.flow.dependencies.cluster_support,
                   "servers on one port that so many services need together share a load; 0: none")
        ->capture_default_str();
    app.add_flag("--one-address", arguments.flow.one_address, "with --calls: as if all services had one address");
    app.add_option("--hold-back", arguments.flow.hold_back_s,
                   "seconds of flows kept to be put in order of their starts")
        ->check(CLI::Range(0.0, 86'400.0))
        ->capture_default_str();
    app.add_option("--window", arguments.window, "requests: calls that are looked at together; memory is four of it")
        ->check(CLI::Range(1'000, 10'000'000))
        ->capture_default_str();
    app.add_option("--format", arguments.format, "text, json, jsonl, dot, mermaid or html")
        ->check(CLI::IsMember(kFormats));
    app.add_flag("--json", arguments.json, "the same as --format json");
    app.add_option("-o,--output", arguments.out, "write there; without --format the name's end says how");
    if (const auto over = read_arguments(app, argc, argv)) return over;
    arguments.flow.dependencies.ranking = kRankings.at(ranking);
    if (!inference.empty()) arguments.flow.dependencies.inference = {inference[0], inference[1]};
    return std::nullopt;
}

}  // namespace autotune::cli
