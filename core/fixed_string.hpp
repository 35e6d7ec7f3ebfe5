// FixedString<N>: up to N bytes of text inside the object, so that events stay trivially copyable.
// Longer text is cut; truncated() of the source is the caller's to check before.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace autotune {

template <std::size_t N>
class FixedString {
    static_assert(N <= 255);

public:
    FixedString() = default;
    FixedString(std::string_view text)  // NOLINT: implicit by design, it is a string
        : size_(static_cast<std::uint8_t>(std::min(text.size(), N))) {
        std::copy_n(text.data(), size_, bytes_.data());
    }
    FixedString(const char* text) : FixedString(std::string_view(text)) {}  // NOLINT: implicit

    [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }
    [[nodiscard]] std::string str() const { return std::string(view()); }
    [[nodiscard]] bool empty() const { return size_ == 0; }

    friend bool operator==(const FixedString& a, const FixedString& b) { return a.view() == b.view(); }
    friend std::strong_ordering operator<=>(const FixedString& a, const FixedString& b) {
        return a.view().compare(b.view()) <=> 0;
    }

private:
    std::array<char, N> bytes_{};
    std::uint8_t size_ = 0;
};

}  // namespace autotune

template <std::size_t N>
struct std::hash<autotune::FixedString<N>> {
    std::size_t operator()(const autotune::FixedString<N>& s) const noexcept {
        return std::hash<std::string_view>()(s.view());
    }
};
