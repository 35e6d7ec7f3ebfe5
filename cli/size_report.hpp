// What `autotune size` prints of a search.
#pragma once

#include <string>
#include <vector>

#include "cli/size_buckets.hpp"
#include "cli/size_replay.hpp"

namespace autotune::cli {

struct SizeVerdict {
    std::string objective;  // as it was asked for
    SizeRun run;
    double usd_per_gb_s = 0;  // 0: not said; of no use beside a tariff
    std::string tariff;       // whose prices the search went by; "": none
    // Of a search by input buckets: these, and the curve of their mix.
    std::vector<BucketChoice> buckets;
    std::vector<rules::sizing::Expected> mix_curve;
};

[[nodiscard]] std::string size_json(const SizeVerdict& verdict);  // one line, ends in a newline
[[nodiscard]] std::string size_text(const SizeVerdict& verdict);
[[nodiscard]] std::string size_picture(const SizeVerdict& verdict);  // SVG

// What is to be told of it on stderr, with exit status 3: no size, one only, a limit that no size keeps; or
// "".
[[nodiscard]] std::string finding(const SizeVerdict& verdict);

}  // namespace autotune::cli
