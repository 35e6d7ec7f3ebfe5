#include "net/sigv4.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <optional>
#include <vector>

#include "net/url.hpp"

namespace autotune::net {

namespace {
constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string hex(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        text += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
        text += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
    }
    return text;
}

std::string sha256_hex(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) return {};
    return hex({reinterpret_cast<const char*>(digest.data()), size});
}

std::optional<std::string> hmac(const std::string& key, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(),
             &size) == nullptr)
        return std::nullopt;
    return std::string(reinterpret_cast<const char*>(digest.data()), size);
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : static_cast<char>(c);
    });
    return out;
}

// Without blanks around it and with single ones inside.
std::string trimmed(std::string_view value) {
    std::string out;
    for (const char c : value) {
        const bool blank = c == ' ' || c == '\t';
        if (!blank)
            out += c;
        else if (!out.empty() && out.back() != ' ')
            out += ' ';
    }
    if (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

// RFC 3986, section 5.2.4, and runs of slashes become one. Works on the path as sent, still encoded.
std::string without_dot_segments(std::string_view path) {
    std::vector<std::string_view> kept;
    bool slash_at_end = true;
    for (std::size_t at = 0; at <= path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view segment = path.substr(at, end - at);
        slash_at_end = segment.empty() || segment == "." || segment == "..";
        if (segment == ".." && !kept.empty()) kept.pop_back();
        if (!slash_at_end) kept.push_back(segment);
        at = end + 1;
    }
    std::string out;
    for (const std::string_view segment : kept) out.append("/").append(segment);
    return slash_at_end ? out + "/" : out;
}

std::string canonical_query(std::string_view query) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (std::size_t at = 0; at < query.size();) {
        const std::size_t end = std::min(query.find('&', at), query.size());
        const std::string_view pair = query.substr(at, end - at);
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const std::string_view value = equals < pair.size() ? pair.substr(equals + 1) : "";
        if (!pair.empty())
            pairs.emplace_back(percent_encode(percent_decode(pair.substr(0, equals))),
                               percent_encode(percent_decode(value)));
        at = end + 1;
    }
    std::sort(pairs.begin(), pairs.end());
    std::string out;
    for (const auto& [name, value] : pairs) {
        if (!out.empty()) out += '&';
        out.append(name).append("=").append(value);
    }
    return out;
}

// Sorted by lower-case name; values of one name in their order, with commas between.
std::map<std::string, std::string> signed_fields(const Headers& headers) {
    constexpr std::array<std::string_view, 5> kChangedOnTheWay{"authorization", "user-agent", "connection",
                                                               "expect", "x-amzn-trace-id"};
    std::map<std::string, std::string> fields;
    for (const auto& [name, value] : headers) {
        const std::string key = lower(name);
        if (std::find(kChangedOnTheWay.begin(), kChangedOnTheWay.end(), key) != kChangedOnTheWay.end())
            continue;
        const auto [at, is_new] = fields.try_emplace(key, trimmed(value));
        if (!is_new) at->second += "," + trimmed(value);
    }
    return fields;
}

std::string names_of(const std::map<std::string, std::string>& fields) {
    std::string out;
    for (const auto& [name, value] : fields) out += (out.empty() ? "" : ";") + name;
    return out;
}

std::string basic_format(WallTime at) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
    const auto day = std::chrono::floor<std::chrono::days>(seconds);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(seconds - day);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d%02u%02uT%02d%02d%02dZ", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()));
    return text.data();
}
}  // namespace

std::string canonical_request(const HttpRequest& request, std::string_view service) {
    const std::string_view target = request.target;
    const std::size_t mark = std::min(target.find('?'), target.size());
    const std::string_view path = target.substr(0, mark);
    const std::string_view query = mark < target.size() ? target.substr(mark + 1) : "";
    const auto fields = signed_fields(request.headers);

    std::string text = request.method + "\n";
    // The path was encoded once to be sent; every service but S3 encodes it again to sign it.
    text += service == "s3" ? std::string(path) : percent_encode(without_dot_segments(path), "/");
    text += "\n" + canonical_query(query) + "\n";
    for (const auto& [name, value] : fields) text += name + ":" + value + "\n";
    return text + "\n" + names_of(fields) + "\n" + sha256_hex(request.body);
}

Status sign_sigv4(HttpRequest& request, std::string_view host, const AwsCredentials& credentials,
                  const SigV4Scope& scope) {
    const std::string time = basic_format(scope.at);
    const std::string date = time.substr(0, 8);
    request.headers.set("Host", std::string(host));
    request.headers.set("X-Amz-Date", time);
    if (!credentials.session_token.empty())
        request.headers.set("X-Amz-Security-Token", credentials.session_token);
    if (scope.service == "s3") request.headers.set("X-Amz-Content-Sha256", sha256_hex(request.body));

    const std::string where = date + "/" + scope.region + "/" + scope.service + "/aws4_request";
    const std::string to_sign = std::string(kAlgorithm) + "\n" + time + "\n" + where + "\n" +
                                sha256_hex(canonical_request(request, scope.service));
    std::optional<std::string> key = "AWS4" + credentials.secret_key;
    for (const std::string_view part :
         {std::string_view(date), std::string_view(scope.region), std::string_view(scope.service),
          std::string_view("aws4_request"), std::string_view(to_sign)})
        if (key) key = hmac(*key, part);
    if (!key) return fail(Errc::internal, "signing the request: OpenSSL cannot compute HMAC-SHA256");

    request.headers.set("Authorization", std::string(kAlgorithm) + " Credential=" + credentials.access_key +
                                             "/" + where +
                                             ", SignedHeaders=" + names_of(signed_fields(request.headers)) +
                                             ", Signature=" + hex(*key));
    return ok();
}

}  // namespace autotune::net
