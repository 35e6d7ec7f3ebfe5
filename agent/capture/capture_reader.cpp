#include "agent/capture/capture_reader.hpp"

#include <pcap/pcap.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>

namespace autotune {

namespace {

std::optional<Link> link_of(int datalink) {
    switch (datalink) {
        case DLT_EN10MB: return Link::ethernet;
        case DLT_LINUX_SLL: return Link::linux_sll;
        case DLT_LINUX_SLL2: return Link::linux_sll2;
        case DLT_RAW:
        case DLT_IPV4:
        case DLT_IPV6: return Link::raw;
        case DLT_NULL:
        case DLT_LOOP: return Link::null;
        default: return std::nullopt;
    }
}

std::string name_of(int datalink) {
    const char* name = pcap_datalink_val_to_name(datalink);
    return name ? name : std::to_string(datalink);
}

}  // namespace

Result<CaptureCounters> read_capture(const std::string& path,
                                     const std::function<void(const Segment&, std::int64_t)>& take) {
    const std::string shown = path == "-" ? "standard input" : path;
    std::FILE* file = path == "-" ? ::fdopen(::dup(STDIN_FILENO), "rb") : std::fopen(path.c_str(), "rbe");
    if (!file) return Unexpected{errno_error("opening " + shown, errno)};
    char why[PCAP_ERRBUF_SIZE] = "";
    pcap_t* opened = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!opened) {
        std::fclose(file);
        return fail(Errc::corrupt, shown + ": no packet capture (pcap or pcapng, not compressed): " + why);
    }
    const std::unique_ptr<pcap_t, decltype(&pcap_close)> capture(opened, pcap_close);  // and the file
    const auto link = link_of(pcap_datalink(capture.get()));
    if (!link)
        return fail(Errc::unsupported, shown + ": captured on a link of kind " + name_of(pcap_datalink(capture.get())) +
                                           "; known are Ethernet, Linux's any, raw IP and loopback");
    CaptureCounters counters;
    pcap_pkthdr* head = nullptr;
    const u_char* data = nullptr;
    int got = 0;
    while ((got = pcap_next_ex(capture.get(), &head, &data)) == 1) {
        ++counters.packets;
        const auto segment = read_segment(*link, {data, head->caplen});
        constexpr std::int64_t kMostSeconds = 2'000'000'000;  // pcapng can say any; nanoseconds must hold it
        if (!segment || head->ts.tv_sec < -kMostSeconds || head->ts.tv_sec > kMostSeconds) {
            ++counters.others;
            continue;
        }
        take(*segment, std::int64_t{head->ts.tv_sec} * 1'000'000'000 + head->ts.tv_usec);  // nanoseconds, as asked
    }
    if (got != PCAP_ERROR) return counters;
    counters.broken_off = pcap_geterr(capture.get());
    if (counters.packets == 0) return fail(Errc::corrupt, shown + ": no packet can be read: " + counters.broken_off);
    return counters;
}

}  // namespace autotune
