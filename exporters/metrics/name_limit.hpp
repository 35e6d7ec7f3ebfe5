// NameLimit: bounds how many names become label values. The first `limit` names keep their own, all
// later ones share "_other" and are counted: sums stay right, only the split is lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace autotune::exporters {

class NameLimit {
public:
    explicit NameLimit(std::size_t limit) : limit_(limit) {}

    static constexpr std::string_view kOther = "_other";

    // The label value for `name`, fit for Prometheus.
    [[nodiscard]] std::string admit(std::string_view name);
    // How many times a name was folded into "_other".
    [[nodiscard]] std::uint64_t folded() const { return folded_; }

private:
    std::size_t limit_;
    std::uint64_t folded_ = 0;
    std::unordered_map<std::string, std::string> labels_;  // name → label
};

}  // namespace autotune::exporters
