#include "agent/logs/trace_line.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace autotune::logs {
namespace {

constexpr double kLongest = 1e12;  // ms

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

std::optional<double> number_of(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || !std::isfinite(number))
        return std::nullopt;
    return number;
}

std::optional<TracedFunction> function_of(std::string_view text) {
    const auto dot = text.rfind('.');
    if (dot == std::string_view::npos || dot + 1 == text.size()) return std::nullopt;
    const std::string_view name = text.substr(dot + 1);
    if (name.find_first_of("/ ") != std::string_view::npos) return std::nullopt;
    return TracedFunction{.file = std::string(text.substr(0, dot)), .name = std::string(name)};
}

struct Pair {
    std::string_view from, to;
};
// "A to B", where A is a function or, on the left of a call, nothing. Paths may hold " to " themselves.
std::optional<Pair> split(std::string_view text) {
    constexpr std::string_view kTo = " to ";
    for (auto at = text.find(kTo); at != std::string_view::npos; at = text.find(kTo, at + 1)) {
        const Pair pair{text.substr(0, at), text.substr(at + kTo.size())};
        if (pair.from.empty() || function_of(pair.from)) return pair;
    }
    return std::nullopt;
}

Result<TraceLine> call_in(std::string_view text) {
    const auto pair = split(text);
    auto function = pair ? function_of(pair->to) : std::nullopt;
    if (!function) return fail(Errc::corrupt, "call from FUNCTION to FUNCTION was expected");
    return TraceLine(CallLine{*std::move(function)});
}

Result<TraceLine> return_in(std::string_view text) {
    constexpr std::string_view kElapsed = " - time elapsed: ";
    const auto at = text.rfind(kElapsed);
    if (at == std::string_view::npos || !text.ends_with("ms"))
        return fail(Errc::corrupt, "return from FUNCTION to FUNCTION - time elapsed: NUMBERms was expected");
    std::string_view elapsed = text.substr(at + kElapsed.size());
    if (elapsed.size() < 2) return fail(Errc::corrupt, "the time elapsed was expected");
    elapsed.remove_suffix(2);
    const auto milliseconds = number_of(elapsed);
    const auto pair = split(text.substr(0, at));
    auto function = pair ? function_of(pair->from) : std::nullopt;
    if (!function) return fail(Errc::corrupt, "return from FUNCTION to FUNCTION was expected");
    // Wall time may go backwards.
    if (!milliseconds || std::abs(*milliseconds) > kLongest)
        return fail(Errc::corrupt, "a time in ms was expected");
    return TraceLine(ReturnLine{*std::move(function), Nanos(std::llround(std::max(*milliseconds, 0.0) * 1e6))});
}

// A message may hold anything, the word "at line" too: the function is what is before the first.
Result<TraceLine> exception_in(std::string_view text) {
    auto function = function_of(text.substr(0, text.find(" at line ")));
    if (!function) return fail(Errc::corrupt, "exception in FUNCTION at line NUMBER was expected");
    return TraceLine(ExceptionLine{*std::move(function)});
}

Result<TraceLine> file_in(std::string_view text, bool is_opened) {
    constexpr std::string_view kPath = " - Path: ";
    const auto at = text.find(kPath);
    if (at == std::string_view::npos) return fail(Errc::corrupt, "the path of a file was expected");
    return TraceLine(FileLine{is_opened, std::string(text.substr(at + kPath.size()))});
}

// "127.0.0.1:80"; of IPv6 the last colon divides, too.
std::optional<Endpoint> endpoint_of(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string address(text.substr(0, colon));
    const std::string_view digits = text.substr(colon + 1);
    Endpoint end;
    const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), end.port);
    if (error != std::errc() || last != digits.data() + digits.size()) return std::nullopt;
    if (inet_pton(AF_INET, address.c_str(), end.address.data()) == 1)
        end.family = AddressFamily::ipv4;
    else if (inet_pton(AF_INET6, address.c_str(), end.address.data()) == 1)
        end.family = AddressFamily::ipv6;
    else
        return std::nullopt;
    return end;
}

Result<TraceLine> connection_in(std::string_view text, bool is_opened) {
    constexpr std::string_view kFrom = " connection from ";
    const auto at = text.rfind(kFrom);
    const std::string_view ends = at == std::string_view::npos ? "" : text.substr(at + kFrom.size());
    const auto middle = ends.find(" to ");
    const auto local = endpoint_of(ends.substr(0, middle));
    auto peer = middle == std::string_view::npos ? std::nullopt : endpoint_of(ends.substr(middle + 4));
    if (!local || !peer) return fail(Errc::corrupt, "connection from ADDRESS:PORT to ADDRESS:PORT was expected");
    peer->port = 0;
    return TraceLine(ConnectionLine{is_opened, *local, *peer});
}

Result<TraceLine> performance_in(std::string_view text) {
    constexpr std::string_view kMemory = "% - Memory: ";
    const auto at = text.find(kMemory);
    if (at == std::string_view::npos || !text.ends_with('%') || text.size() < at + kMemory.size() + 1)
        return fail(Errc::corrupt, "performance -- CPU: NUMBER% - Memory: NUMBER% was expected");
    const auto cpu = number_of(text.substr(0, at));
    std::string_view rest = text.substr(at + kMemory.size());
    rest.remove_suffix(1);
    const auto memory = number_of(rest);
    if (!cpu || !memory) return fail(Errc::corrupt, "two shares in percent were expected");
    return TraceLine(PerformanceLine{*cpu, *memory});
}

}  // namespace

Result<TraceLine> parse_trace_line(std::string_view line) {
    if (take_prefix(line, "call from \t")) return call_in(line);
    if (take_prefix(line, "return from \t")) return return_in(line);
    if (take_prefix(line, "exception in \t")) return exception_in(line);
    if (take_prefix(line, "File OPENED by ")) return file_in(line, true);
    if (take_prefix(line, "File CLOSED by ")) return file_in(line, false);
    if (take_prefix(line, "Connection OPENED by ")) return connection_in(line, true);
    if (take_prefix(line, "Connection CLOSED by ")) return connection_in(line, false);
    if (take_prefix(line, "performance -- CPU: ")) return performance_in(line);
    return fail(Errc::corrupt, "it is none of the lines that Snafu's tracing executor writes");
}

std::optional<TraceLogName> parse_trace_log_name(std::string_view name) {
    if (!take_prefix(name, "trace_log-")) return std::nullopt;
    if (name.ends_with(".gz")) name.remove_suffix(3);
    constexpr std::string_view kForm = "-yymmdd-HHMM-xxxxxxxx.log";
    if (!name.ends_with(".log") || name.size() <= kForm.size()) return std::nullopt;
    const std::string_view tail = name.substr(name.size() - kForm.size());
    TraceLogName parsed{.function = std::string(name.substr(0, name.size() - kForm.size())),
                        .id = std::string(tail.substr(13, 8))};
    const auto two_digits = [&](std::size_t at, int& to) {
        const std::string_view digits = tail.substr(at, 2);
        return std::from_chars(digits.data(), digits.data() + 2, to).ptr == digits.data() + 2 && to >= 0;
    };
    const bool is_date = two_digits(1, parsed.year) && two_digits(3, parsed.month) && two_digits(5, parsed.day) &&
                         two_digits(8, parsed.hour) && two_digits(10, parsed.minute);
    if (!is_date || tail[0] != '-' || tail[7] != '-' || tail[12] != '-') return std::nullopt;
    if (!std::ranges::all_of(parsed.id, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }))
        return std::nullopt;
    parsed.year += 2000;
    return parsed;
}

}  // namespace autotune::logs
