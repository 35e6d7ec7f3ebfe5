#include "analyzer/topology/open_flows.hpp"

#include <algorithm>

namespace autotune::analysis {

void OpenFlows::forget(Ends& ends, std::int64_t now) {
    while (ends.first < ends.ordered.size() && ends.ordered[ends.first] < now) ++ends.first, --size_;
    if (ends.first < 64 || ends.first * 2 < ends.ordered.size()) return;
    ends.ordered.erase(ends.ordered.begin(), ends.ordered.begin() + static_cast<std::ptrdiff_t>(ends.first));
    ends.first = 0;
}

void OpenFlows::add(const Flow& flow, std::uint32_t host) {
    if (flow.service >= by_service_.size()) by_service_.resize(flow.service + 1);
    if (host >= hosts_.size()) hosts_.resize(host + 1);
    Ends& ends = by_service_[flow.service];
    if (!ends.known) {
        ends.known = true;
        hosts_[host].push_back(flow.service);
    }
    forget(ends, flow.start);
    // Who starts later mostly ends later: little is moved.
    ends.ordered.insert(std::upper_bound(ends.ordered.begin() + static_cast<std::ptrdiff_t>(ends.first),
                                         ends.ordered.end(), flow.end),
                        flow.end);
    ++size_;
}

const std::vector<std::uint32_t>& OpenFlows::services_of(std::uint32_t host) const {
    static const std::vector<std::uint32_t> kNone;
    return host < hosts_.size() ? hosts_[host] : kNone;
}

std::size_t OpenFlows::containing(std::uint32_t service, std::int64_t now, std::int64_t end) {
    Ends& ends = by_service_[service];
    forget(ends, now);
    const auto first = ends.ordered.begin() + static_cast<std::ptrdiff_t>(ends.first);
    return static_cast<std::size_t>(ends.ordered.end() - std::lower_bound(first, ends.ordered.end(), end));
}

}  // namespace autotune::analysis
