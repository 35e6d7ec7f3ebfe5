// Rows of a benchmark: what was measured beside what it must be and what a peer needs, in the same run. One JSON line
// a row on stdout, a sentence for people on stderr.
#pragma once

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace autotune::bench {

inline constexpr int kRounds = 7;  // a row is the median of so many

inline double median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

struct Row {
    std::string name;
    double bar = 0;  // at most
    double ours = 0;
    std::optional<double> peer;
    std::string says;  // what the numbers are, with units and the peer's name
};

// False when the bar is not kept.
inline bool print(const Row& row) {
    const auto number = [](std::optional<double> v) {
        char text[32];
        std::snprintf(text, sizeof text, "%.6g", v.value_or(0));
        return v ? std::string(text) : std::string("null");
    };
    const std::optional<double> ratio =
        row.peer && *row.peer != 0 ? std::optional(row.ours / *row.peer) : std::nullopt;
    std::printf(R"({"name":"%s","bar":%s,"ours":%s,"peer":%s,"ratio":%s,"median_of":%d})"
                "\n",
                row.name.c_str(), number(row.bar).c_str(), number(row.ours).c_str(), number(row.peer).c_str(),
                number(ratio).c_str(), kRounds);
    std::fflush(stdout);
    const bool kept = row.ours <= row.bar;
    std::fprintf(stderr, "%s %s: %s (bar %s, peer %s)\n", kept ? "ok  " : "MISS", row.name.c_str(),
                 (number(row.ours) + " " + row.says).c_str(), number(row.bar).c_str(),
                 number(row.peer).c_str());
    return kept;
}

}  // namespace autotune::bench
