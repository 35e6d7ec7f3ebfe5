#include "agent/flows/fixed_point.hpp"

#include <charconv>
#include <system_error>

namespace autotune {

std::optional<std::int64_t> fixed_point(std::string_view text, int digits) {
    std::int64_t whole = 0;
    const bool negative = text.starts_with('-');
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
    if (error != std::errc()) return std::nullopt;
    std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
    std::int64_t part = 0;
    if (rest.starts_with('.')) {
        rest.remove_prefix(1);
        for (int i = 0; i < digits; ++i) {
            const bool is_digit = !rest.empty() && rest.front() >= '0' && rest.front() <= '9';
            part = part * 10 + (is_digit ? rest.front() - '0' : 0);
            if (is_digit) rest.remove_prefix(1);
        }
        while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') rest.remove_prefix(1);
    }
    if (!rest.empty()) return std::nullopt;
    std::int64_t scale = 1;
    for (int i = 0; i < digits; ++i) scale *= 10;
    std::int64_t value = 0;
    if (__builtin_mul_overflow(whole, scale, &value) ||
        __builtin_add_overflow(value, negative ? -part : part, &value))
        return std::nullopt;
    return value;
}

}  // namespace autotune
