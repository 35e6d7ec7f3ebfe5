// Encoder: values to the bytes of a payload (format.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "agent/recording/event_fields.hpp"
#include "agent/recording/field_count.hpp"

namespace autotune::recording {

class Encoder {
public:
    void number(std::uint64_t value) {
        while (value >= 0x80) {
            bytes_.push_back(static_cast<char>(value | 0x80));
            value >>= 7;
        }
        bytes_.push_back(static_cast<char>(value));
    }
    void signed_number(std::int64_t value) {
        number((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
    }
    void text(std::string_view value) {
        number(value.size());
        bytes_.append(value);
    }
    void byte(unsigned char value) { bytes_.push_back(static_cast<char>(value)); }

    template <class Whole, class... Member>
    void operator()(const Whole&, Member&... member) {
        static_assert(field_count<Whole> == sizeof...(Member), "a member is not written");
        (one(member), ...);
    }

    [[nodiscard]] std::string_view bytes() const { return bytes_; }
    void clear() { bytes_.clear(); }

private:
    template <class T>
    void one(T& value) {
        if constexpr (std::is_same_v<T, Nanos>)
            signed_number(value.count());
        else if constexpr (std::is_same_v<T, ThreadId>)
            signed_number(static_cast<std::int32_t>(value));
        else if constexpr (std::is_enum_v<T> || std::is_same_v<T, bool> || std::is_unsigned_v<T>)
            number(static_cast<std::uint64_t>(value));
        else if constexpr (std::is_integral_v<T>)
            signed_number(value);
        else
            compound(value);
    }
    template <std::size_t N>
    void compound(FixedString<N>& value) { text(value.view()); }
    void compound(std::array<std::uint8_t, 16>& address) {  // most are IPv4: zeros at the end are left out
        std::size_t used = address.size();
        while (used > 0 && address[used - 1] == 0) --used;
        number(used);
        bytes_.append(reinterpret_cast<const char*>(address.data()), used);
    }
    template <class T, std::size_t N>
    void compound(std::array<T, N>& values) { for (T& value : values) one(value); }
    template <class T>
    void compound(T& value) { fields(*this, value); }

    std::string bytes_;
};

}  // namespace autotune::recording
