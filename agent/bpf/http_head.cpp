#include "agent/bpf/http_head.hpp"

#include <algorithm>
#include <charconv>

namespace autotune {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

HttpHead::HttpHead(std::string_view bytes) {
    const auto end = bytes.find("\r\n");
    start_line_ = bytes.substr(0, end);
    if (end == std::string_view::npos) return;
    headers_ = bytes.substr(end + 2);
    if (headers_.starts_with("\r\n"))
        headers_ = {};
    else if (const auto blank = headers_.find("\r\n\r\n"); blank != std::string_view::npos)
        headers_ = headers_.substr(0, blank + 2);
}

bool HttpHead::is_complete(std::string_view bytes) {
    return bytes.find("\r\n\r\n") != std::string_view::npos;
}

std::string_view HttpHead::method() const {
    if (status() != 0) return {};
    return start_line_.substr(0, std::min(start_line_.find(' '), start_line_.size()));
}

std::string_view HttpHead::target() const {
    if (status() != 0) return {};
    const auto first = start_line_.find(' ');
    if (first == std::string_view::npos) return {};
    const auto last = start_line_.find(' ', first + 1);
    if (last == std::string_view::npos) return {};
    return start_line_.substr(first + 1, last - first - 1);
}

int HttpHead::status() const {
    if (!start_line_.starts_with("HTTP/1.") || start_line_.size() < 12) return 0;
    return static_cast<int>(parse_number(start_line_.substr(9, 3)).value_or(0));
}

std::optional<std::string_view> HttpHead::header(std::string_view name) const {
    for (std::string_view rest = headers_;;) {
        const auto end = rest.find("\r\n");
        if (end == std::string_view::npos) return std::nullopt;
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end + 2);
        const auto colon = line.find(':');
        if (colon != std::string_view::npos && equal_ignoring_case(line.substr(0, colon), name))
            return trimmed(line.substr(colon + 1));
    }
}

std::uint64_t HttpHead::content_length() const {
    const auto text = header("Content-Length");
    return text ? parse_number(*text).value_or(0) : 0;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace autotune
