#include "knowledge/tariffs.hpp"

namespace autotune {

namespace {

constexpr TariffText kTexts[] = {
#include "knowledge/tariff_texts.inc"
};

}  // namespace

std::span<const TariffText> tariff_texts() { return kTexts; }

}  // namespace autotune
