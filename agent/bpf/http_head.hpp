// HttpHead: start line and headers of an HTTP/1.x message, as far as they were copied. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace autotune {

// A view: the bytes must outlive it. Of a start line that was cut, what is whole in it counts: a target, once
// the blank behind it is there.
class HttpHead {
public:
    explicit HttpHead(std::string_view bytes);

    // Is the empty line that ends the head among the bytes?
    [[nodiscard]] static bool is_complete(std::string_view bytes);

    [[nodiscard]] std::string_view start_line() const { return start_line_; }
    [[nodiscard]] std::string_view method() const;  // "" for a response
    [[nodiscard]] std::string_view target() const;  // path and query; "" for a response
    [[nodiscard]] int status() const;               // of a response "HTTP/1.x NNN"; 0 otherwise

    // The first header of that name, in any case, without surrounding blanks. A header whose line is
    // not whole does not count.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
    [[nodiscard]] std::uint64_t content_length() const;  // 0 when absent or not a number

private:
    std::string_view start_line_;
    std::string_view headers_;
};

// Decimal digits only; nullopt for anything else or what does not fit.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);

}  // namespace autotune
