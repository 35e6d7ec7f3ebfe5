#include "cli/topology_flows.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <string_view>
#include <vector>

#include "agent/capture/capture_reader.hpp"
#include "agent/capture/connections.hpp"
#include "agent/capture/socket_snapshots.hpp"
#include "agent/flows/flow_reader.hpp"
#include "cli/text_pieces.hpp"

namespace autotune::cli {

namespace {

// What was read, and what of it was not used.
struct Reading {
    std::vector<std::string> told;  // lines
    std::string remarks;            // "; 3 lines skipped"
};

std::string in_words(const analysis::MinerCounters& c, const std::string& remarks) {
    std::string text = fmt::format("{} flows, {} of them within others, {} within several", c.flows, c.contained, c.ambiguous);
    text += remarks;
    if (c.late > 0) text += fmt::format("; {} came more than --hold-back late and were given no parent", c.late);
    if (c.edges_dropped > 0) text += fmt::format("; {} weights lost, too many edges", c.edges_dropped);
    return text;
}

std::string lines_skipped(std::uint64_t count) { return count > 0 ? fmt::format("; {} lines skipped", count) : std::string(); }

// Whatever reads text piece by piece.
template <class Reader, class PassOn>
Result<Reading> read_text(Reader& reader, const std::string& path, std::vector<Flow>& flows, const PassOn& pass_on) {
    Status read = read_text_in_pieces(path, [&](std::string_view piece) {
        Status fed = reader.feed(piece, flows);
        pass_on();
        return fed;
    });
    if (read) read = reader.finish(flows);
    pass_on();
    if (!read) {
        const Error& error = read.error();
        const bool located = error.code == Errc::invalid_argument;  // "1: what" of the text
        return fail(error.code, located ? shown_path(path) + ":" + error.message : error.message);
    }
    return Reading{reader.told(), lines_skipped(reader.skipped())};
}

template <class PassOn>
Result<Reading> read_packets(FlowNames& names, const std::string& path, std::vector<Flow>& flows, const PassOn& pass_on) {
    Connections connections(names);
    const auto capture = read_capture(path, [&](const Segment& segment, std::int64_t time_ns) {
        connections.add(segment, time_ns, flows);
        if (!flows.empty()) pass_on();
    });
    if (!capture) return Unexpected{capture.error()};
    connections.finish(flows);
    pass_on();
    const ConnectionCounters& c = connections.counters();
    std::string remarks = fmt::format(" in {} packets", capture->packets);
    if (capture->others > 0) remarks += fmt::format("; {} packets of neither TCP nor UDP, or cut before their ports", capture->others);
    if (c.by_port > 0) remarks += fmt::format("; of {} flows the beginning was not captured: the lower port was taken for the service's", c.by_port);
    if (c.forgotten > 0) remarks += fmt::format("; {} flows cut short, too many connections at once", c.forgotten);
    if (c.clock_back > 0) remarks += fmt::format("; the clock went back {} times, and what was open ended there", c.clock_back);
    if (c.nameless > 0) remarks += fmt::format("; {} flows lost, too many different names", c.nameless);
    if (!capture->broken_off.empty()) remarks += "; the capture breaks off: " + capture->broken_off;
    return Reading{{}, remarks};
}

Result<Reading> read_flows(FlowNames& names, const FlowOptions& options, analysis::DependencyMiner& miner) {
    std::vector<Flow> flows;
    const auto pass_on = [&] {
        for (const Flow& flow : flows) miner.add(flow);
        flows.clear();
    };
    if (options.input == FlowInput::capture) return read_packets(names, options.path, flows, pass_on);
    if (options.input == FlowInput::sockets) {
        SocketSnapshots sockets(names);
        auto reading = read_text(sockets, options.path, flows, pass_on);
        if (reading) reading->remarks = fmt::format(" in {} lists of sockets", sockets.snapshots()) + reading->remarks;
        return reading;
    }
    FlowReader table(names, options.one_address ? CallAddresses::one_for_all : CallAddresses::one_a_service);
    return read_text(table, options.path, flows, pass_on);
}

}  // namespace

Result<MinedFlows> mine_flows(const FlowOptions& options) {
    FlowNames names;
    analysis::DependencyMiner miner(
        names, {.ambiguous = options.exclusive ? analysis::Ambiguous::exclusive : analysis::Ambiguous::shared,
                .hold_back_ns = static_cast<std::int64_t>(options.hold_back_s * 1e9) +
                                (options.input == FlowInput::capture ? Connections::kTcpIdle : 0)});  // told so late, if they end by silence
    const auto reading = read_flows(names, options, miner);
    if (!reading) return Unexpected{reading.error()};
    for (const std::string& told : reading->told)
        std::fprintf(stderr, "%s:%s; skipped\n", shown_path(options.path).c_str(), told.c_str());
    const analysis::Candidates candidates = miner.finish();
    return MinedFlows{analysis::dependencies(candidates, names, options.dependencies),
                      in_words(candidates.counters, reading->remarks)};
}

}  // namespace autotune::cli
