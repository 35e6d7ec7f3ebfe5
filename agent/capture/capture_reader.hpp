// Packet captures, pcap and pcapng, as tcpdump, Wireshark and cloud mirrors write them; read by libpcap.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "agent/capture/segment.hpp"
#include "core/result.hpp"

namespace autotune {

struct CaptureCounters {
    std::uint64_t packets = 0;
    std::uint64_t others = 0;  // no TCP or UDP, cut before its ports, or of no possible time
    std::string broken_off;    // where the file ends in the middle of a packet, or goes on with nonsense: why; what came before counts
};

// Calls `take(segment, time_ns)` for each packet of TCP and UDP, in the order of the file; a packet is held at a time. "-" is
// standard input. Errors: the system's for the file; corrupt: it is no capture, or breaks off before its first packet; unsupported: of a kind of link that is not
// known.
[[nodiscard]] Result<CaptureCounters> read_capture(const std::string& path,
                                                   const std::function<void(const Segment&, std::int64_t)>& take);

}  // namespace autotune
