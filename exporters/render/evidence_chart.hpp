// How evidence grew from pair to pair, and what it had to reach, as a picture. Pure; same data, same bytes.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace autotune::render {

struct EvidenceCurve {
    std::string name;
    std::vector<std::pair<double, double>> points;  // pair, log10 of E
    double needed = 0;                              // log10
};

// log10 of E over pairs, a line a curve, dashed what each needs. Needs no network.
[[nodiscard]] std::string evidence_svg(const std::vector<EvidenceCurve>& curves, const std::string& title);

}  // namespace autotune::render
