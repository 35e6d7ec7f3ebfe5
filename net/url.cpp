#include "net/url.hpp"

#include <algorithm>
#include <charconv>

namespace autotune::net {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

Unexpected bad_url(std::string_view text, std::string_view why) {
    return fail(Errc::invalid_argument, "URL '" + std::string(text) + "': " + std::string(why));
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
    const auto bad = [&](std::string_view why) { return bad_url(text, why); };
    const auto forbidden = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
    if (std::any_of(text.begin(), text.end(), forbidden))
        return bad("blanks and control characters must be encoded");

    Url url;
    const auto colon = text.find("://");
    if (colon == std::string_view::npos || colon == 0) return bad("expected SCHEME://HOST");
    url.scheme = lower(text.substr(0, colon));
    url.port = url.scheme == "https" ? 443 : url.scheme == "http" ? 80 : 0;

    std::string_view rest = text.substr(colon + 3);
    rest = rest.substr(0, rest.find('#'));
    const auto authority_end = std::min(rest.find_first_of("/?"), rest.size());
    std::string_view authority = rest.substr(0, authority_end);
    rest = rest.substr(authority_end);
    if (authority.find('@') != std::string_view::npos)
        return bad("user names and passwords do not belong in a URL");

    std::string_view port;
    bool has_port = false;
    if (authority.starts_with('[')) {
        const auto bracket = authority.find(']');
        if (bracket == std::string_view::npos) return bad("'[' without ']'");
        url.host = std::string(authority.substr(1, bracket - 1));
        const auto after = authority.substr(bracket + 1);
        if (!after.empty() && after.front() != ':') return bad("expected ':' after ']'");
        has_port = !after.empty();
        if (has_port) port = after.substr(1);
    } else {
        const auto separator = authority.find(':');
        has_port = separator != std::string_view::npos;
        if (has_port) port = authority.substr(separator + 1);
        url.host = lower(authority.substr(0, separator));
    }
    if (url.host.empty()) return bad("no host");
    if (has_port) {
        const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), url.port);
        if (failed != std::errc() || end != port.data() + port.size() || url.port == 0)
            return bad("port '" + std::string(port) + "' is not a number from 1 to 65535");
    } else if (url.port == 0) {
        return bad("scheme '" + url.scheme + "' has no default port");
    }

    const auto question = rest.find('?');
    if (question != std::string_view::npos) url.query = std::string(rest.substr(question + 1));
    if (const auto path = rest.substr(0, question); !path.empty()) url.path = std::string(path);
    return url;
}

std::string percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high >= 0 && low >= 0) {
                out += static_cast<char>(high * 16 + low);
                i += 2;
                continue;
            }
        }
        out += text[i];
    }
    return out;
}

std::string percent_encode(std::string_view text, std::string_view keep) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (unreserved(c) || keep.find(c) != std::string_view::npos) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += {'%', kHex[byte >> 4], kHex[byte & 15]};
        }
    }
    return out;
}

std::string_view Target::query_value(std::string_view name) const {
    const auto found =
        std::find_if(query.begin(), query.end(), [&](const auto& q) { return q.first == name; });
    return found == query.end() ? std::string_view() : std::string_view(found->second);
}

Target split_target(std::string_view target) {
    Target out;
    target = target.substr(0, target.find('#'));
    const auto question = target.find('?');
    std::string_view path = target.substr(0, question);
    while (!path.empty()) {
        const auto slash = std::min(path.find('/'), path.size());
        if (slash > 0) out.segments.push_back(percent_decode(path.substr(0, slash)));
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    std::string_view query = question == std::string_view::npos ? "" : target.substr(question + 1);
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const std::string_view field = query.substr(0, end);
        const auto equals = std::min(field.find('='), field.size());
        if (!field.empty())
            out.query.emplace_back(percent_decode(field.substr(0, equals)),
                                   percent_decode(field.substr(std::min(equals + 1, field.size()))));
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return out;
}

}  // namespace autotune::net
