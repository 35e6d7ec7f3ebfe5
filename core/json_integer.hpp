// Integers of JSON text, where nlohmann's get<>() would cut what does not fit.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <utility>

namespace autotune {

// Throws std::out_of_range unless the value is an integer that Int can hold; 1.5 and 1e3 are none.
template <class Int, class Json>
[[nodiscard]] Int integer_of(const Json& value) {
    const bool fits = value.is_number_unsigned() ? std::in_range<Int>(value.template get<std::uint64_t>())
                                                 : value.is_number_integer() &&
                                                       std::in_range<Int>(value.template get<std::int64_t>());
    if (!fits) throw std::out_of_range(value.dump() + " is no integer of the range expected");
    return value.template get<Int>();
}

}  // namespace autotune
