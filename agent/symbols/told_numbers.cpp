#include "agent/symbols/told_numbers.hpp"

namespace autotune::symbols {

void ToldNumbers::tell_address(std::uint16_t epoch, std::uint32_t number, std::uint64_t address) {
    if (number > AT_LAST_ADDRESS) return;  // it has none
    Epoch& e = epochs_[epoch % 2];
    if (e.number != epoch) e = {.number = epoch, .addresses = {}};
    if (e.addresses.size() <= number) e.addresses.resize(number + 1);
    e.addresses[number] = address;
}

std::optional<std::uint64_t> ToldNumbers::address(std::uint16_t epoch, std::uint16_t number) const {
    const Epoch& e = epochs_[epoch % 2];
    if (e.number != epoch || number >= e.addresses.size() || e.addresses[number] == 0) return std::nullopt;
    return e.addresses[number];
}

}  // namespace autotune::symbols
