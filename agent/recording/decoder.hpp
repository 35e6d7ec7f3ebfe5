// Decoder: the bytes of a payload to values (format.hpp). Total: what does not fit makes it bad, and it gives
// zeros from then on; the caller asks once, at the end.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>

#include "agent/recording/event_fields.hpp"
#include "agent/recording/field_count.hpp"

namespace autotune::recording {

// How many entries the tables have so far: an id beyond is damage.
struct KnownIds {
    std::size_t strings = 0, frames = 0, stacks = 0;
};

class Decoder {
public:
    Decoder(std::string_view bytes, KnownIds known) : bytes_(bytes), known_(known) {}

    [[nodiscard]] bool good() const { return good_; }
    [[nodiscard]] bool done() const { return at_ == bytes_.size(); }
    [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }
    void refuse() { good_ = false, at_ = bytes_.size(); }

    std::uint64_t number() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const unsigned char part = byte();
            value |= std::uint64_t{part & 0x7Fu} << shift;
            if (shift == 63 && part > 1) break;
            if (part < 0x80) return value;
        }
        return refuse(), 0;
    }
    std::int64_t signed_number() {
        const std::uint64_t value = number();
        return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
    }
    std::string_view text() { return raw(number()); }
    unsigned char byte() {
        if (at_ == bytes_.size()) return good_ = false, static_cast<unsigned char>(0);
        return static_cast<unsigned char>(bytes_[at_++]);
    }
    // A list's length: each of its entries takes a byte at least, so a lie cannot make us reserve much.
    std::size_t count() {
        const std::uint64_t n = number();
        if (n > left()) return refuse(), 0;
        return static_cast<std::size_t>(n);
    }

    template <class Whole, class... Member>
    void operator()(const Whole&, Member&... member) {
        static_assert(field_count<Whole> == sizeof...(Member), "a member is not read");
        (one(member), ...);
    }
    template <class T>
    void one(T& value) {
        if constexpr (std::is_same_v<T, Nanos>)
            value = Nanos(signed_number());
        else if constexpr (std::is_same_v<T, ThreadId>)
            value = T(static_cast<std::int32_t>(signed_number()));
        else if constexpr (std::is_same_v<T, StringId>)
            value = T(id(known_.strings));
        else if constexpr (std::is_same_v<T, FrameId>)
            value = T(id(known_.frames));
        else if constexpr (std::is_same_v<T, StackId>)
            value = T(id(known_.stacks));
        else if constexpr (std::is_enum_v<T> || std::is_same_v<T, bool>)
            value = static_cast<T>(below(kEnd<T>));
        else if constexpr (std::is_unsigned_v<T>)
            value = static_cast<T>(at_most(std::numeric_limits<T>::max()));
        else if constexpr (std::is_integral_v<T>)
            value = within<T>();
        else
            compound(value);
    }

private:
    std::string_view raw(std::uint64_t size) {
        if (size > left()) return refuse(), std::string_view();
        const std::string_view part = bytes_.substr(at_, size);
        at_ += size;
        return part;
    }
    std::uint64_t at_most(std::uint64_t limit) {
        const std::uint64_t value = number();
        return value <= limit ? value : (refuse(), 0);
    }
    std::uint64_t below(unsigned end) { return at_most(end - 1); }
    std::uint32_t id(std::size_t known) {
        const std::uint64_t value = number();
        return value < known ? static_cast<std::uint32_t>(value) : (refuse(), 0);
    }
    template <class T>
    T within() {
        const std::int64_t value = signed_number();
        if (value < std::numeric_limits<T>::min() || value > std::numeric_limits<T>::max())
            return refuse(), T{};
        return static_cast<T>(value);
    }
    template <std::size_t N>
    void compound(FixedString<N>& value) {
        const std::string_view said = text();
        if (said.size() > N) return refuse();
        value = FixedString<N>(said);
    }
    void compound(std::array<std::uint8_t, 16>& address) {
        const std::string_view said = text();
        if (said.size() > address.size()) return refuse();
        address = {};
        std::copy(said.begin(), said.end(), address.begin());
    }
    template <class T, std::size_t N>
    void compound(std::array<T, N>& values) { for (T& value : values) one(value); }
    template <class T>
    void compound(T& value) { fields(*this, value); }

    std::string_view bytes_;
    std::size_t at_ = 0;
    KnownIds known_;
    bool good_ = true;
};

}  // namespace autotune::recording
