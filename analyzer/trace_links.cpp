#include "analyzer/trace_links.hpp"

#include <algorithm>
#include <functional>
#include <span>

namespace autotune::analysis {

namespace {

constexpr std::size_t kLargestTrace = 2'000;  // pairs are compared; a larger one is left out

std::string_view shared_part(std::string_view header) {
    constexpr std::string_view kRoot = "Root=";
    if (const auto at = header.find(kRoot); at != std::string_view::npos) {
        header.remove_prefix(at + kRoot.size());
        return header.substr(0, header.find(';'));
    }
    // traceparent: version "-" 32 hex digits "-" parent "-" flags
    if (header.size() >= 55 && header[2] == '-' && header[35] == '-') return header.substr(3, 32);
    return header;
}

bool encloses(const TracedCall& outer, const TracedCall& inner) {
    return outer.start <= inner.start && inner.end <= outer.end &&
           (outer.start != inner.start || outer.end != inner.end);
}

const TracedCall* caller_of(const TracedCall& callee, std::span<const TracedCall> trace) {
    const TracedCall* best = nullptr;
    bool tie = false;
    for (const TracedCall& candidate : trace) {
        if (!encloses(candidate, callee)) continue;
        const Nanos length = candidate.end - candidate.start;
        if (best == nullptr || length < best->end - best->start)
            best = &candidate, tie = false;
        else if (length == best->end - best->start)
            tie = true;
    }
    return tie ? nullptr : best;
}

}  // namespace

std::uint64_t trace_root(std::string_view header) {
    const std::string_view root = shared_part(header);
    if (root.empty()) return 0;
    return std::max<std::uint64_t>(1, std::hash<std::string_view>()(root));
}

std::vector<std::pair<std::size_t, std::size_t>> trace_links(std::vector<TracedCall> calls) {
    std::erase_if(calls, [](const TracedCall& c) { return c.root == 0; });
    std::stable_sort(calls.begin(), calls.end(),
                     [](const auto& a, const auto& b) { return a.root < b.root; });
    std::vector<std::pair<std::size_t, std::size_t>> links;
    for (auto first = calls.begin(); first != calls.end();) {
        const auto last =
            std::find_if(first, calls.end(), [&](const auto& c) { return c.root != first->root; });
        const std::span<const TracedCall> trace(first, last);
        if (trace.size() <= kLargestTrace)
            for (const TracedCall& callee : trace)
                if (const auto* caller = caller_of(callee, trace))
                    links.emplace_back(caller->owner, callee.owner);
        first = last;
    }
    return links;
}

}  // namespace autotune::analysis
