// A function's time and cost by memory size, as a picture. Pure; same data, same bytes.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace autotune::render {

struct SizeChart {
    struct Size {
        double memory_mb = 0;
        double ms = 0, low_ms = 0, high_ms = 0;
    };
    struct Call {
        double memory_mb = 0, ms = 0;
        bool ok = true;
    };
    std::string title;
    std::vector<Size> curve;  // ascending; > 0
    std::vector<Call> calls;  // that were made
    double chosen_mb = 0;     // 0: none
    double usd_per_gb_s = 0;  // 0: costs are GB-s
    std::function<double(double mb, double ms)> usd = {};  // or what a call costs, as a platform bills it
};

// Two panels over memory, which doubles from mark to mark: time of a call, cost of a call; the band is the
// interval.
[[nodiscard]] std::string size_svg(const SizeChart& chart);

}  // namespace autotune::render
