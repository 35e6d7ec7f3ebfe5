// Label values from names that programs outside choose. Pure.
#pragma once

#include <string>
#include <string_view>

namespace autotune::exporters {

// At most 128 bytes of valid UTF-8: Prometheus drops a whole scrape for one bad byte. What is not UTF-8
// becomes "?", a longer name ends in "…".
[[nodiscard]] std::string label_value(std::string_view name);

}  // namespace autotune::exporters
