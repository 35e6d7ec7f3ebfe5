#include "agent/logs/call_log.hpp"

#include <charconv>
#include <cmath>

namespace autotune::logs {
namespace {

constexpr double kLongest = 1e12;  // ms: 31 years

std::string quoted(std::string_view text) {
    constexpr std::size_t kShown = 40;
    return '"' + std::string(text.substr(0, kShown)) + (text.size() > kShown ? "…\"" : "\"");
}

}  // namespace

Result<Nanos> duration_of(double milliseconds) {
    if (milliseconds == -1) return Nanos(0);
    if (!(milliseconds >= 0 && milliseconds <= kLongest))
        return fail(Errc::corrupt, "a duration of " + std::to_string(milliseconds) + " ms");
    return Nanos(std::llround(milliseconds * 1e6));
}

Result<bool> outcome_of(std::string_view text) {
    if (text == "True" || text == "1") return true;
    if (text == "False" || text == "0") return false;
    return fail(Errc::corrupt, "True or False was expected, not " + quoted(text));
}

Result<LoggedCall> parse_call_line(std::string_view line) {
    const auto first = line.find(',');
    const auto last = line.rfind(',');
    const auto second_last = last == std::string_view::npos || last == 0 ? last : line.rfind(',', last - 1);
    if (second_last == std::string_view::npos || first >= second_last)
        return fail(Errc::corrupt, "source,function,duration,success was expected");
    LoggedCall call;
    call.source = line.substr(0, first);
    call.function = line.substr(first + 1, second_last - first - 1);
    if (call.function.empty()) return fail(Errc::corrupt, "the function has no name");
    const std::string_view number = line.substr(second_last + 1, last - second_last - 1);
    double milliseconds = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), milliseconds);
    if (error != std::errc() || end != number.data() + number.size())
        return fail(Errc::corrupt, "a duration in milliseconds was expected, not " + quoted(number));
    auto duration = duration_of(milliseconds);
    if (!duration) return duration.forward();
    auto outcome = outcome_of(line.substr(last + 1));
    if (!outcome) return outcome.forward();
    call.duration = *duration;
    call.succeeded = *outcome;
    return call;
}

}  // namespace autotune::logs
