#include "cli/topology_flows.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <string_view>
#include <vector>

#include "agent/flows/flow_reader.hpp"
#include "cli/text_pieces.hpp"

namespace autotune::cli {

namespace {

std::string in_words(const analysis::MinerCounters& c, std::uint64_t skipped) {
    std::string text = fmt::format("{} flows, {} of them within others, {} within several", c.flows, c.contained, c.ambiguous);
    if (skipped > 0) text += fmt::format("; {} lines skipped", skipped);
    if (c.late > 0) text += fmt::format("; {} came more than --hold-back late and were given no parent", c.late);
    if (c.edges_dropped > 0) text += fmt::format("; {} weights lost, too many edges", c.edges_dropped);
    return text;
}

}  // namespace

Result<MinedFlows> mine_flows(const FlowOptions& options) {
    FlowNames names;
    FlowReader reader(names, options.one_address ? CallAddresses::one_for_all : CallAddresses::one_a_service);
    analysis::DependencyMiner miner(
        names, {.ambiguous = options.exclusive ? analysis::Ambiguous::exclusive : analysis::Ambiguous::shared,
                .hold_back_ns = static_cast<std::int64_t>(options.hold_back_s * 1e9)});
    std::vector<Flow> flows;
    const auto pass_on = [&] {
        for (const Flow& flow : flows) miner.add(flow);
        flows.clear();
    };
    Status read = read_text_in_pieces(options.path, [&](std::string_view piece) {
        Status fed = reader.feed(piece, flows);
        pass_on();
        return fed;
    });
    if (read) read = reader.finish(flows);
    pass_on();
    if (!read) {
        const Error& error = read.error();
        const bool located = error.code == Errc::invalid_argument;  // "1: what" of the table
        return fail(error.code, located ? shown_path(options.path) + ":" + error.message : error.message);
    }
    for (const std::string& told : reader.told())
        std::fprintf(stderr, "%s:%s; skipped\n", shown_path(options.path).c_str(), told.c_str());
    const analysis::Candidates candidates = miner.finish();
    return MinedFlows{analysis::dependencies(candidates, names, options.dependencies),
                      in_words(candidates.counters, reader.skipped())};
}

}  // namespace autotune::cli
