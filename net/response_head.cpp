#include "net/response_head.hpp"

#include <strings.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/status.hpp>
#include <cstdio>
#include <ctime>
#include <ostream>  // before Beast's status.hpp: Boost 1.74 forgets it

namespace autotune::net {
namespace {

bool ours(std::string_view name) {
    static constexpr std::array<std::string_view, 4> kOurs{"content-length", "connection",
                                                           "transfer-encoding", "date"};
    return std::any_of(kOurs.begin(), kOurs.end(), [&](std::string_view o) {
        return o.size() == name.size() && ::strncasecmp(o.data(), name.data(), o.size()) == 0;
    });
}

bool safe(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

// "Fri, 21 Nov 2026 02:15:27 GMT". strftime would follow the locale.
std::string http_date() {
    static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t now = std::time(nullptr);
    std::tm t{};
    ::gmtime_r(&now, &t);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                  kDays[static_cast<std::size_t>(t.tm_wday)], t.tm_mday,
                  kMonths[static_cast<std::size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour, t.tm_min,
                  t.tm_sec);
    return text.data();
}

}  // namespace

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

std::string response_head(const HttpResponse& response, AfterAnswer after) {
    const auto reason = boost::beast::http::obsolete_reason(
        boost::beast::http::int_to_status(static_cast<unsigned>(response.status)));
    std::string head = "HTTP/1.1 " + std::to_string(response.status) + ' ';
    head.append(reason.data(), reason.size());
    head += "\r\n";
    for (const auto& [name, value] : response.headers) {
        if (ours(name) || name.empty() || !safe(name) || !safe(value)) continue;
        head.append(name).append(": ").append(value).append("\r\n");
    }
    head += "Date: " + http_date() + "\r\n";
    if (may_have_body(response.status))
        head += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
    if (after == AfterAnswer::close) head += "Connection: close\r\n";
    if (after == AfterAnswer::keep_alive_1_0) head += "Connection: keep-alive\r\n";
    return head + "\r\n";
}

}  // namespace autotune::net
