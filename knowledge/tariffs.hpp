// The tariffs that come with the program: the files of knowledge/tariffs, as they are. rules/cost reads them.
#pragma once

#include <span>
#include <string_view>

namespace autotune {

struct TariffText {
    std::string_view file;  // "gcf.yaml"
    std::string_view text;
};

// By file name.
[[nodiscard]] std::span<const TariffText> tariff_texts();

}  // namespace autotune
