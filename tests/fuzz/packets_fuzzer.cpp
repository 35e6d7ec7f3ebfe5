// Packets: whatever is captured, connections end once each, after they began, and no more of them than packets.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "agent/capture/connections.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

// A byte for the link, then packets: a byte for the length, one for the seconds since the last (as signed), and the packet.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    FlowNames names(100);
    Connections connections(names, 4);
    std::vector<Flow> flows;
    const auto link = static_cast<Link>(data[0] % 5);
    std::span<const std::uint8_t> rest(data + 1, size - 1);
    std::int64_t time = 0;
    std::size_t segments = 0;
    while (rest.size() > 2) {
        const std::size_t length = std::min<std::size_t>(rest[0], rest.size() - 2);
        time += static_cast<std::int8_t>(rest[1]) * std::int64_t{1'000'000'000};
        const std::vector<std::uint8_t> packet(rest.begin() + 2, rest.begin() + 2 + static_cast<std::ptrdiff_t>(length));
        rest = rest.subspan(2 + length);
        const auto segment = read_segment(link, packet);
        if (!segment) continue;
        ++segments;
        connections.add(*segment, time, flows);
    }
    connections.finish(flows);
    for (const Flow& flow : flows) fuzz::require(flow.start <= flow.end, "a flow begins before it ends");
    const ConnectionCounters& c = connections.counters();
    fuzz::require(flows.size() == c.flows && c.flows + c.nameless <= segments, "a flow has a packet of its own");
    fuzz::require(c.by_port <= c.flows && c.forgotten <= c.flows + c.nameless, "what is counted of flows is of flows");
    return 0;
}
